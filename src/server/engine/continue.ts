/** Ends a wait of a blue/green deployment before its time. */
import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import { FINAL_STATUSES, lockDeployment, updateDeployment } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { Engine, EngineContext } from './engine.ts';
import { blueGreenPlanOf, shiftPlanOf } from './settings.ts';

export interface ContinueRequest {
  readonly deploymentId: string;
  /** `READY_WAIT`: traffic is rerouted; `TERMINATION_WAIT`: the original hosts are terminated. */
  readonly wait: 'READY_WAIT' | 'TERMINATION_WAIT';
  /** Exception for a deployment that has not come to the wait before termination, or was stopped in it. */
  readonly tooEarly: ExceptionName;
}

/**
 * A second call, while the deployment moves on, is refused for the first wait and changes nothing for the second.
 *
 * @throws ApiError DeploymentDoesNotExistException, DeploymentAlreadyCompletedException, UnsupportedActionForDeploymentTypeException for a
 *   deployment in place or a rollback, DeploymentIsNotInReadyStateException, or the one of `tooEarly`
 */
export async function endWait(
  ctx: Pick<EngineContext, 'store' | 'clock'>,
  engine: Pick<Engine, 'step'>,
  { deploymentId, wait, tooEarly }: ContinueRequest,
): Promise<void> {
  await ctx.store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, deploymentId);
    if (deployment === null) {
      throw new ApiError('DeploymentDoesNotExistException', `The deployment ${deploymentId} does not exist.`);
    }
    requireGoing(deployment);
    requireBlueGreen(deployment, wait);
    const nowMs = ctx.clock.now();
    if (wait === 'READY_WAIT') {
      requireReady(deployment);
      await updateDeployment(tx, deploymentId, { continued_at_ms: nowMs, wake_at_ms: nowMs });
      return;
    }
    if (deployment.stop_requested_at_ms !== null)
      throw new ApiError(tooEarly, `The deployment ${deploymentId} does not go on: somebody has stopped it.`);
    if (deployment.termination_wait_at_ms === null) {
      const message = `The deployment ${deploymentId} has not come to the wait before its original instances are terminated: it is ${deployment.status}.`;
      throw new ApiError(tooEarly, message);
    }
    await updateDeployment(tx, deploymentId, { wait_skipped_at_ms: nowMs, wake_at_ms: nowMs });
  });
  await engine.step(deploymentId);
}

function requireGoing({ deployment_id, status }: DeploymentRow): void {
  if (!FINAL_STATUSES.includes(status)) return;
  throw new ApiError('DeploymentAlreadyCompletedException', `The deployment ${deployment_id} has ended: ${status}.`);
}

function requireBlueGreen(deployment: DeploymentRow, wait: string): void {
  const course = blueGreenPlanOf(deployment)?.course;
  const shift = shiftPlanOf(deployment);
  if (course === 'blue-green' || shift?.service !== undefined) return;
  const what =
    course === 'blue-green-rollback' || shift?.isRollback === true
      ? 'is a rollback'
      : shift === null
        ? 'deploys in place'
        : 'deploys to Lambda';
  throw new ApiError(
    'UnsupportedActionForDeploymentTypeException',
    `${wait} is for blue/green deployments; the deployment ${deployment.deployment_id} ${what} and has no such wait.`,
  );
}

function requireReady({ deployment_id, status, stop_requested_at_ms }: DeploymentRow): void {
  if (status === 'Ready' && stop_requested_at_ms === null) return;
  const why = stop_requested_at_ms === null ? `it is ${status}` : 'somebody has stopped it';
  throw new ApiError('DeploymentIsNotInReadyStateException', `The deployment ${deployment_id} is not Ready: ${why}.`);
}
