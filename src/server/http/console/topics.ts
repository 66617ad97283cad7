/** Things whose changes a page can be told. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ApiContext, Caller } from '../../api/context.ts';
import { requireDeployment } from '../../api/deployments.ts';
import { requireRole } from '../../api/permissions.ts';
import { requireWithinScope } from '../../api/scopes.ts';
import { stateOfDeployment, stateOfDeployments } from '../../store/console-changes.ts';
import type { StoreReader } from '../../store/store.ts';

/** All deployments together: that one has begun, gone on or ended, and not which. */
const ALL = 'deployments';
const DEPLOYMENT_ID = /^d-[A-Z0-9]{9}$/;

/**
 * @throws ApiError InvalidRequestException; DeploymentDoesNotExistException, so that nobody looks for what is not there; AccessDeniedException
 * for a deployment that the key may not see
 */
export async function requireTopic(ctx: ApiContext, topic: string, caller: Caller): Promise<string> {
  if (topic === ALL) return topic;
  if (!DEPLOYMENT_ID.test(topic)) {
    throw new ApiError('InvalidRequestException', `The topic must be ${ALL} or the id of a deployment.`);
  }
  requireRole(caller.role, 'GetDeployment');
  await requireWithinScope(ctx.store.db, ctx, 'GetDeployment', { deploymentId: topic }, caller);
  await requireDeployment(ctx.store.db, { deploymentId: topic });
  return topic;
}

/** State of a topic; null: there is no such deployment. */
export async function stateOfTopic(db: StoreReader, topic: string): Promise<string | null> {
  return topic === ALL ? stateOfDeployments(db) : stateOfDeployment(db, topic);
}
