/**
 * Operations for deployments that are not to hosts: Lambda, ECS, CloudFormation. Each reads its input and looks the deployment up before it
 * refuses. So a caller with a wrong id learns that, and not something about another kind of deployment.
 */
import { ApiError } from '../../protocol/errors.ts';
import { answerHook } from '../engine/hook-answers.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import { FINAL_STATUSES } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { Handlers, Input } from './context.ts';
import { requireDeployment } from './deployments.ts';
import { checkChoice, readText } from './input.ts';

/** The other statuses of lifecycle events are the server's to give. */
const HOOK_STATUSES = ['Succeeded', 'Failed'] as const;

/** @throws ApiError DeploymentAlreadyCompletedException: there is nothing to go on with, whatever kind of deployment it was */
export function requireUnfinished({ deployment_id, status }: DeploymentRow): void {
  if (!FINAL_STATUSES.includes(status)) return;
  throw new ApiError('DeploymentAlreadyCompletedException', `The deployment ${deployment_id} has ended: ${status}.`);
}

function unsupported(operation: string, { deployment_id }: DeploymentRow, forWhat: string): ApiError {
  return new ApiError(
    'UnsupportedActionForDeploymentTypeException',
    `${operation} is for ${forWhat}; the deployment ${deployment_id} deploys to hosts and waits for no such call.`,
  );
}

function readHookStatus(input: Input): 'Succeeded' | 'Failed' {
  const invalid = 'InvalidLifecycleEventHookExecutionStatusException';
  return checkChoice(readText(input, 'status') ?? '', 'status', HOOK_STATUSES, invalid);
}

export const notInPlaceHandlers: Handlers<'PutLifecycleEventHookExecutionStatus' | 'DeleteResourcesByExternalId'> = {
  /** In the order of the hosted service: the deployment, its platform, the status, the id. */
  async PutLifecycleEventHookExecutionStatus(ctx, input) {
    const deployment = await requireDeployment(ctx.store.db, input);
    if (shiftPlanOf(deployment) === null) {
      throw unsupported('PutLifecycleEventHookExecutionStatus', deployment, 'deployments to Lambda and ECS');
    }
    const status = readHookStatus(input);
    const executionId = readText(input, 'lifecycleEventHookExecutionId') ?? '';
    if (executionId === '') {
      const type = 'InvalidLifecycleEventHookExecutionIdException';
      throw new ApiError(type, 'lifecycleEventHookExecutionId is missing or empty.');
    }
    await answerHook(ctx, { deploymentId: deployment.deployment_id, executionId, status });
    return { lifecycleEventHookExecutionId: executionId };
  },

  /** Only resources that CloudFormation makes have an external id. Nothing here has one, so all that have this one are gone already. */
  async DeleteResourcesByExternalId(ctx) {
    // There is nothing to delete; that somebody tried stands in the audit log.
    await ctx.store.transaction(async () => undefined);
    return {};
  },
};
