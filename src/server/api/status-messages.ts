/** Messages about a deployment beside its status: where it waits, and for what. Pure. */
import type { BlueGreenPlan } from '../engine/hosts/blue-green-plan.ts';
import type { DeploymentRow } from '../store/schema.ts';

const NOT_TERMINATED =
  'The original instances take no traffic and belong to the deployment group no more. They run on: this server terminates no instances, so end those that are not needed.';

/** @param plan null: the deployment is in place */
export function statusMessages(
  row: Pick<DeploymentRow, 'status' | 'ready_at_ms' | 'termination_wait_at_ms'>,
  plan: BlueGreenPlan | null,
): string[] {
  if (plan?.course !== 'blue-green') return [];
  const { readyWaitMs, terminationWaitMs } = plan;
  if (row.status === 'Ready' && row.ready_at_ms !== null && readyWaitMs !== null) {
    const until = dateOf(row.ready_at_ms + readyWaitMs);
    return [`Traffic is not rerouted yet: the deployment waits for ContinueDeployment until ${until}, and then stops.`];
  }
  if (terminationWaitMs === null || row.termination_wait_at_ms === null) return [];
  if (row.status === 'Succeeded') return [NOT_TERMINATED];
  if (row.status !== 'InProgress') return [];
  const until = dateOf(row.termination_wait_at_ms + terminationWaitMs);
  return [`Traffic is rerouted. The original instances are kept until ${until}: until then a stop can lead it back.`];
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
