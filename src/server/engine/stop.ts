import { ApiError } from '../../protocol/errors.ts';
import { lockGroupById } from '../store/deployment-groups.ts';
import { FINAL_STATUSES, findDeployment, lockDeployment, updateDeployment } from '../store/deployments.ts';
import { failRunningEvents } from '../store/lifecycle-events.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import { eventDiagnostics } from './diagnostics.ts';
import type { Engine, EngineContext } from './engine.ts';
import { shiftPlanOf } from './settings.ts';

export interface StopAnswer {
  readonly status: 'Pending' | 'Succeeded';
  readonly statusMessage: string;
}

export interface StopRequest {
  readonly deploymentId: string;
  /** Whether the group is rolled back; null: as the deployment's configuration says. Said again, the last word counts. */
  readonly withRollback: boolean | null;
  /**
   * Whether events that run are given up as Failed, whatever their hosts will say; else they are waited for. Work of the server itself ends
   * by itself, within seconds: a host that leaves its load balancers is led back.
   */
  readonly now: boolean;
}

/** A call to AWS may take longer; then the answer is Pending. */
const SHIFT_PATIENCE_MS = 3_000;
const SHIFT_LOOK_MS = 20;

const GIVEN_UP =
  'An operator has stopped the deployment now and waits for this event no more. What became of it on the instance is not known.';

/**
 * Requests that a deployment stops: nothing begins any more, and it ends as Stopped whatever else happens.
 *
 * @returns Pending while there are events to wait for; asked again, Succeeded: there is nothing more to request
 * @throws ApiError DeploymentDoesNotExistException, DeploymentAlreadyCompletedException, DeploymentGroupDoesNotExistException when a
 *   rollback of hosts is asked for and there is no group any more
 */
export async function requestStop(
  ctx: Pick<EngineContext, 'store' | 'clock'>,
  engine: Pick<Engine, 'step'>,
  request: StopRequest,
): Promise<StopAnswer> {
  const { deploymentId } = request;
  const isNew = await ctx.store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, deploymentId);
    if (deployment === null) {
      throw new ApiError('DeploymentDoesNotExistException', `The deployment ${deploymentId} does not exist.`);
    }
    if (FINAL_STATUSES.includes(deployment.status)) {
      throw new ApiError(
        'DeploymentAlreadyCompletedException',
        `The deployment ${deploymentId} has ended: ${deployment.status}.`,
      );
    }
    // Traffic is led back without its group.
    if (request.withRollback === true && shiftPlanOf(deployment) === null) await requireGroup(tx, deployment);
    const nowMs = ctx.clock.now();
    await updateDeployment(tx, deploymentId, {
      stop_requested_at_ms: deployment.stop_requested_at_ms ?? nowMs,
      stop_rollback: request.withRollback === null ? deployment.stop_rollback : Number(request.withRollback),
      wake_at_ms: nowMs,
    });
    const diagnostics = JSON.stringify(eventDiagnostics('UnknownError', { message: GIVEN_UP }));
    if (request.now)
      await failRunningEvents(tx, { deploymentId, instanceId: null, isOfHosts: true }, diagnostics, nowMs);
    return deployment.stop_requested_at_ms === null;
  });
  await engine.step(deploymentId);
  const shifted = await endOfShift(ctx, deploymentId);
  if (shifted !== null) return shifted;
  if (!isNew && !request.now) {
    return { status: 'Succeeded', statusMessage: 'The deployment was told to stop before.' };
  }
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

/**
 * A deployment that moves traffic has one call to end at most, so its end is waited for: the rollback that follows is known then, and how the
 * traffic was left.
 *
 * @returns null: it is to hosts, or it goes on
 */
async function endOfShift(
  { store, clock }: Pick<EngineContext, 'store' | 'clock'>,
  deploymentId: string,
): Promise<StopAnswer | null> {
  const giveUpAtMs = clock.now() + SHIFT_PATIENCE_MS;
  for (;;) {
    const deployment = await findDeployment(store.db, deploymentId);
    if (deployment === null || shiftPlanOf(deployment) === null) return null;
    if (FINAL_STATUSES.includes(deployment.status)) {
      return { status: 'Succeeded', statusMessage: deployment.error_message ?? '' };
    }
    if (clock.now() >= giveUpAtMs) break;
    await clock.sleep(SHIFT_LOOK_MS);
  }
  return { status: 'Pending', statusMessage: 'No more events begin; the one that runs is waited for.' };
}

/** A rollback that was asked for and cannot be must not be answered with success. */
async function requireGroup(tx: StoreTransaction, deployment: DeploymentRow): Promise<void> {
  if ((await lockGroupById(tx, deployment.deployment_group_id)) !== null) return;
  throw new ApiError(
    'DeploymentGroupDoesNotExistException',
    `The deployment group ${deployment.deployment_group_name} was deleted, so it cannot be rolled back (autoRollbackEnabled); stop without a rollback.`,
  );
}
