import { ApiError } from '../../protocol/errors.ts';
import { FINAL_STATUSES, lockDeployment, targetsOf, updateDeployment } from '../store/deployments.ts';
import type { Engine, EngineContext } from './engine.ts';

export interface StopAnswer {
  readonly status: 'Pending' | 'Succeeded';
  readonly statusMessage: string;
}

/**
 * Requests that a deployment stops: nothing new begins, what runs on a host may end.
 *
 * @throws ApiError DeploymentDoesNotExistException, DeploymentAlreadyCompletedException
 */
export async function requestStop(
  ctx: Pick<EngineContext, 'store' | 'clock'>,
  engine: Pick<Engine, 'step'>,
  deploymentId: string,
): Promise<StopAnswer> {
  await ctx.store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, ctx.store.dialect, deploymentId);
    if (deployment === null) {
      throw new ApiError('DeploymentDoesNotExistException', `The deployment ${deploymentId} does not exist.`);
    }
    if (FINAL_STATUSES.includes(deployment.status)) {
      throw new ApiError(
        'DeploymentAlreadyCompletedException',
        `The deployment ${deploymentId} has ended: ${deployment.status}.`,
      );
    }
    if (deployment.stop_requested_at_ms === null) {
      await updateDeployment(tx, deploymentId, { stop_requested_at_ms: ctx.clock.now() });
    }
  });
  await engine.step(deploymentId);
  const running = (await targetsOf(ctx.store.db, deploymentId)).filter(({ status }) => status === 'InProgress');
  return running.length === 0
    ? {
        status: 'Succeeded',
        statusMessage: 'No more commands will be scheduled for execution in the deployment instances',
      }
    : { status: 'Pending', statusMessage: `Waiting for the events that run on ${running.length} instances to end` };
}
