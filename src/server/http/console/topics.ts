/** Things whose changes a page can be told. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ApiContext, Caller } from '../../api/context.ts';
import { requireDeployment } from '../../api/deployments.ts';
import { requireRole } from '../../api/permissions.ts';
import { requireWithinScope } from '../../api/scopes.ts';
import { stateOfDeployment, stateOfDeployments } from '../../store/console-changes.ts';
import { stateOfLog } from '../../store/event-logs.ts';
import type { StoreReader } from '../../store/store.ts';

/** All deployments together: that one has begun, gone on or ended, and not which. */
const ALL = 'deployments';
const DEPLOYMENT_ID = /^d-[A-Z0-9]{9}$/;
/** The log of one event: the deployment, the target and the event. */
const LOG = /^(?<deployment>d-[A-Z0-9]{9})\/(?<target>[\w+=,.@:-]{1,256})\/(?<event>\w{1,64})$/;

/**
 * @throws ApiError InvalidRequestException; DeploymentDoesNotExistException, so that nobody looks for what is not there; AccessDeniedException
 * for a deployment that the key may not see
 */
export async function requireTopic(ctx: ApiContext, topic: string, caller: Caller): Promise<string> {
  if (topic === ALL) return topic;
  const deploymentId = LOG.exec(topic)?.groups?.['deployment'] ?? topic;
  if (!DEPLOYMENT_ID.test(deploymentId)) {
    const message = `The topic must be ${ALL}, the id of a deployment, or its id with a target and an event, with slashes between them.`;
    throw new ApiError('InvalidRequestException', message);
  }
  const operation = deploymentId === topic ? 'GetDeployment' : 'GetEventLog';
  requireRole(caller.role, operation);
  await requireWithinScope(ctx.store.db, ctx, operation, { deploymentId }, caller);
  await requireDeployment(ctx.store.db, { deploymentId });
  return topic;
}

/** State of a topic; null: there is no such deployment. */
export async function stateOfTopic(db: StoreReader, topic: string): Promise<string | null> {
  if (topic === ALL) return stateOfDeployments(db);
  const { deployment = '', target = '', event = '' } = LOG.exec(topic)?.groups ?? {};
  return deployment === '' ? stateOfDeployment(db, topic) : stateOfLog(db, deployment, target, event);
}
