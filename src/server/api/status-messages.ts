/** Messages about a deployment beside its status: where it waits, and for what. Pure. */
import type { BlueGreenPlan, ReplacementPlan } from '../engine/hosts/blue-green-plan.ts';
import type { ServicePlan } from '../engine/shifting/service-plan.ts';
import type { DeploymentOrderKind } from '../store/deployment-orders.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';

const NOT_TERMINATED =
  'The original instances take no traffic and belong to the deployment group no more. They run on: this server terminates no instances without a program for it (--fleets) or a region of AWS (--aws-region), so end those that are not needed.';
/** Orders that are told one by one. */
const MAX_TOLD = 10;

type Row = Pick<DeploymentRow, 'status' | 'ready_at_ms' | 'termination_wait_at_ms' | 'wait_skipped_at_ms'>;

/** @param plan null: the deployment is in place */
export function statusMessages(row: Row, plan: BlueGreenPlan | null, orders: readonly OrderRow[] = []): string[] {
  if (plan?.course !== 'blue-green') return [];
  return [...waitMessages(row, plan, 'instances'), ...orderMessages(orders)];
}

/** The same for a deployment to ECS. */
export function serviceMessages(row: Row, plan: ServicePlan, orders: readonly OrderRow[]): string[] {
  return [...waitMessages(row, plan, 'tasks'), ...orderMessages(orders)];
}

type Waits = Pick<ReplacementPlan, 'readyWaitMs' | 'terminationWaitMs' | 'terminateBy'>;

function waitMessages(row: Row, plan: Waits, what: 'instances' | 'tasks'): string[] {
  const { readyWaitMs, terminationWaitMs } = plan;
  if (row.status === 'Ready' && row.ready_at_ms !== null && readyWaitMs !== null) {
    const until = dateOf(row.ready_at_ms + readyWaitMs);
    return [`Traffic is not rerouted yet: the deployment waits for ContinueDeployment until ${until}, and then stops.`];
  }
  if (terminationWaitMs === null || row.termination_wait_at_ms === null) return [];
  if (row.status === 'Succeeded') {
    return what === 'instances' && plan.terminateBy === undefined ? [NOT_TERMINATED] : [];
  }
  if (row.status !== 'InProgress') return [];
  const until = dateOf(row.termination_wait_at_ms + terminationWaitMs);
  if (row.wait_skipped_at_ms !== null) return [];
  return [`Traffic is rerouted. The original ${what} are kept until ${until}: until then a stop can lead it back.`];
}

const DOINGS: Readonly<Record<DeploymentOrderKind, string>> = {
  PrepareShift: 'The preparation of the deployment',
  TerminateTaskSet: 'Deleting the original task set',
  ProvisionByProgram: 'The program that makes replacement instances',
  TerminateInstance: 'The end of an original instance in EC2',
  TerminateByProgram: 'The program that terminates an original instance',
  CopyAutoScalingGroup: 'The copy of the Auto Scaling group',
  CompleteAutoScalingGroup: 'Giving the copy what the Auto Scaling group has',
  DeleteAutoScalingGroup: 'Deleting the original Auto Scaling group',
};

/** Words of the programs that made or ended hosts, and the work that is still under way. */
function orderMessages(orders: readonly OrderRow[]): string[] {
  const told = orders.slice(0, MAX_TOLD).map(({ kind, outcome, message, last_answer }) => {
    const what = DOINGS[kind as DeploymentOrderKind];
    if (outcome === null) return `${what} is under way. Its last answer: ${last_answer ?? 'none yet'}.`;
    return outcome === 'Succeeded' ? `${what} has succeeded: ${message ?? ''}` : `${what} has failed: ${message ?? ''}`;
  });
  return orders.length <= MAX_TOLD ? told : [...told, `There are ${orders.length - MAX_TOLD} more of them.`];
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
