/**
 * Ends deployments that move traffic before their application is deleted. Without their rows nobody would lead the traffic on or back, and it would
 * stay divided. A deployment whose group alone is deleted goes on to its end.
 */
import { ApiError } from '../../protocol/errors.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import type { ServiceDetails } from '../engine/shifting/service-plan.ts';
import { requestStop } from '../engine/stop.ts';
import { ROLLBACK_CREATOR } from '../engine/wanted-rollback.ts';
import { lockOpenDeployments, openDeployments } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import type { ApiContext } from './context.ts';

type EndContext = Pick<ApiContext, 'store' | 'engine' | 'clock'>;

/** AWS answers within seconds, as a rule. Clients wait for a minute. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 50;

/** Stops them, has their traffic led back where it has not moved as a whole, and waits until they are over, for 20 s at most. */
export async function endShifts(ctx: EndContext, applicationId: string): Promise<void> {
  const giveUpAtMs = ctx.clock.now() + PATIENCE_MS;
  for (;;) {
    const open = (await openDeployments(ctx.store.db, applicationId)).filter((one) => shiftPlanOf(one) !== null);
    if (open.length === 0 || ctx.clock.now() >= giveUpAtMs) return;
    for (const deployment of open) await nudge(ctx, deployment);
    await ctx.clock.sleep(LOOK_MS);
  }
}

async function nudge(ctx: EndContext, deployment: DeploymentRow): Promise<void> {
  const { deployment_id: deploymentId, termination_wait_at_ms: waitsSinceMs, stop_requested_at_ms: asked } = deployment;
  const isRollback = deployment.creator === ROLLBACK_CREATOR;
  if (isRollback && (asked !== null || !(await onlyDrains(ctx.store.db, deploymentId)))) return;
  // All traffic has moved before that wait begins, and it stays where it is.
  const withRollback = !isRollback && waitsSinceMs === null;
  if (asked !== null && deployment.stop_rollback === Number(withRollback)) return;
  try {
    await requestStop(ctx, ctx.engine, { deploymentId, withRollback, now: false });
  } catch (error) {
    const type = error instanceof ApiError ? error.type : null;
    if (type !== 'DeploymentAlreadyCompletedException' && type !== 'DeploymentDoesNotExistException') throw error;
  }
}

/** Whether a rollback has led everything back, and waits only for tasks that end. */
async function onlyDrains(db: StoreReader, deploymentId: string): Promise<boolean> {
  const [target] = await targetsOf(db, deploymentId);
  const { taskSets = [] } = JSON.parse(target?.details_json ?? '{}') as Partial<ServiceDetails>;
  const green = taskSets.find(({ label }) => label === 'Green');
  return green?.status === 'DRAINING' && green.trafficWeight === 0;
}

/**
 * For the transaction that deletes the application, which must be locked.
 *
 * @throws ApiError ServiceUnavailable while one of them goes on: the model has no exception for it, and clients ask again
 */
export async function requireNoShift(tx: StoreTransaction, applicationId: string, name: string): Promise<void> {
  const running = (await lockOpenDeployments(tx, applicationId)).find((one) => shiftPlanOf(one) !== null);
  if (running === undefined) return;
  const { deployment_id: id } = running;
  throw new ApiError(
    'ServiceUnavailable',
    `The application ${name} is not deleted yet: its deployment ${id} still leads traffic to one version, and would leave it divided. ` +
      `See what it waits for: ${shellCommand('slipway', 'deployments', 'show', id)}. Then delete once more. To leave the traffic as it is, end it ` +
      `first: ${shellCommand('slipway', 'deployments', 'stop', id, '--no-rollback')}.`,
    { status: 503 },
  );
}
