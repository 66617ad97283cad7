import { ApiError } from '../../protocol/errors.ts';
import { FINAL_STATUSES, findDeployment, lockDeployment, updateDeployment } from '../store/deployments.ts';
import { targetsOf } from '../store/targets.ts';
import type { Engine, EngineContext } from './engine.ts';

export interface StopAnswer {
  readonly status: 'Pending' | 'Succeeded';
  readonly statusMessage: string;
}

/**
 * Requests that a deployment stops: nothing begins any more, what runs on an instance may end.
 *
 * @param withRollback whether the group is rolled back; null: as the deployment's configuration says
 * @returns Pending while there are events to wait for; asked again, Succeeded: there is nothing more to request
 * @throws ApiError DeploymentDoesNotExistException, DeploymentAlreadyCompletedException
 */
export async function requestStop(
  ctx: Pick<EngineContext, 'store' | 'clock'>,
  engine: Pick<Engine, 'step'>,
  deploymentId: string,
  withRollback: boolean | null = null,
): Promise<StopAnswer> {
  const isNew = await ctx.store.transaction(async (tx) => {
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
    if (deployment.stop_requested_at_ms !== null) return false;
    const nowMs = ctx.clock.now();
    await updateDeployment(tx, deploymentId, {
      stop_requested_at_ms: nowMs,
      stop_rollback: withRollback === null ? null : Number(withRollback),
      wake_at_ms: nowMs,
    });
    return true;
  });
  await engine.step(deploymentId);
  if (!isNew) return { status: 'Succeeded', statusMessage: 'The deployment was told to stop before.' };
  const deployment = await findDeployment(ctx.store.db, deploymentId);
  if (deployment === null || FINAL_STATUSES.includes(deployment.status)) {
    return { status: 'Succeeded', statusMessage: 'No more commands are given to the instances of the deployment.' };
  }
  const running = (await targetsOf(ctx.store.db, deploymentId)).filter(({ status }) => status === 'InProgress').length;
  return {
    status: 'Pending',
    statusMessage: `No more events begin; the ones that run on ${running} of the instances are waited for.`,
  };
}
