import { ApiError } from '../../protocol/errors.ts';
import type { EventDiagnostics } from '../engine/diagnostics.ts';
import { eventsOf } from '../store/lifecycle-events.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow, TargetStatus } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { findTargets, listTargets } from '../store/targets.ts';
import { type ApiContext, type Handlers, type Input, seconds } from './context.ts';
import { readDeploymentId, requireDeployment } from './deployments.ts';
import { readList, readObject, readText, requireBatch, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

const STATUSES = ['Pending', 'InProgress', 'Succeeded', 'Failed', 'Skipped', 'Unknown', 'Ready'];
const MAX_BATCH = 25;

/** A deployment whose targets are known. @throws ApiError DeploymentNotStartedException */
async function startedDeployment(ctx: ApiContext, input: Input): Promise<DeploymentRow> {
  const deployment = await requireDeployment(ctx.store.db, input);
  if (deployment.status === 'Created' || deployment.status === 'Queued') {
    throw new ApiError(
      'DeploymentNotStartedException',
      `The deployment ${deployment.deployment_id} has not started yet.`,
    );
  }
  return deployment;
}

function lifecycleEvent(row: LifecycleEventRow) {
  return {
    lifecycleEventName: row.event_name,
    status: row.status,
    ...(row.started_at_ms === null ? {} : { startTime: seconds(row.started_at_ms) }),
    ...(row.ended_at_ms === null ? {} : { endTime: seconds(row.ended_at_ms) }),
    ...(row.diagnostics_json === null ? {} : { diagnostics: JSON.parse(row.diagnostics_json) as EventDiagnostics }),
  };
}

async function summaryOf(db: StoreReader, target: TargetRow) {
  const events = await eventsOf(db, target.deployment_id, target.instance_id);
  return {
    deploymentId: target.deployment_id,
    status: target.status,
    lastUpdatedAt: seconds(
      Math.max(target.updated_at_ms, ...events.map((event) => event.ended_at_ms ?? event.started_at_ms ?? 0)),
    ),
    lifecycleEvents: events.map(lifecycleEvent),
  };
}

async function deploymentTarget(db: StoreReader, target: TargetRow) {
  return {
    deploymentTargetType: 'InstanceTarget' as const,
    instanceTarget: { ...(await summaryOf(db, target)), targetId: target.target_id, targetArn: target.target_arn },
  };
}

async function instanceSummary(db: StoreReader, target: TargetRow) {
  return { ...(await summaryOf(db, target)), instanceId: target.target_arn };
}

/** For each id its target, by name, or by ARN, as older clients have it; undefined: the deployment has none. */
async function targetsById(
  db: StoreReader,
  { deployment_id }: DeploymentRow,
  ids: readonly string[],
): Promise<(TargetRow | undefined)[]> {
  const rows = await findTargets(db, deployment_id, ids);
  return ids.map((id) => rows.find((target) => target.target_id === id || target.target_arn === id));
}

function readStatusFilter(list: unknown[] | null): TargetStatus[] {
  return (list ?? []).map((status) => {
    if (STATUSES.includes(requireText(status, 'status filter'))) return status as TargetStatus;
    throw new ApiError('InvalidInstanceStatusException', `'${String(status)}' is none of ${STATUSES.join(', ')}.`);
  });
}

async function pageOfTargets(
  ctx: ApiContext,
  operation: string,
  input: Input,
  { deployment_id }: DeploymentRow,
  statuses: readonly TargetStatus[],
) {
  const token = readPageToken(ctx, operation, input);
  const after = token.after === '' ? -1 : Number(token.after);
  const found = await listTargets(ctx.store.db, deployment_id, { statuses, after, limit: PAGE_SIZE + 1 });
  return toPage(found, token, (target) => String(target.position));
}

export const targetHandlers: Handlers<
  | 'ListDeploymentTargets'
  | 'GetDeploymentTarget'
  | 'BatchGetDeploymentTargets'
  | 'ListDeploymentInstances'
  | 'GetDeploymentInstance'
  | 'BatchGetDeploymentInstances'
> = {
  async ListDeploymentTargets(ctx, input) {
    readDeploymentId(input);
    const filters = readObject(input, 'targetFilters') ?? {};
    const unknown = Object.keys(filters).find((name) => name !== 'TargetStatus' && name !== 'ServerInstanceLabel');
    if (unknown !== undefined)
      throw new ApiError('InvalidTargetFilterNameException', `'${unknown}' is no target filter.`);
    if ((readList(filters, 'ServerInstanceLabel') ?? []).length > 0) {
      throw new ApiError('InvalidDeploymentInstanceTypeException', 'Only blue/green deployments have instance labels.');
    }
    const statuses = readStatusFilter(readList(filters, 'TargetStatus'));
    const deployment = await startedDeployment(ctx, input);
    const { rows, ...rest } = await pageOfTargets(ctx, 'ListDeploymentTargets', input, deployment, statuses);
    return { targetIds: rows.map((target) => target.target_id), ...rest };
  },

  async GetDeploymentTarget(ctx, input) {
    readDeploymentId(input);
    const id = readText(input, 'targetId');
    if (!id) throw new ApiError('DeploymentTargetIdRequiredException', 'The targetId is missing.');
    const [target] = await targetsById(ctx.store.db, await startedDeployment(ctx, input), [id]);
    if (target === undefined)
      throw new ApiError('DeploymentTargetDoesNotExistException', `The deployment has no target ${id}.`);
    return { deploymentTarget: await deploymentTarget(ctx.store.db, target) };
  },

  async BatchGetDeploymentTargets(ctx, input) {
    readDeploymentId(input);
    const ids = (readList(input, 'targetIds') ?? []).map((id) => requireText(id, 'targetIds'));
    if (ids.length === 0)
      throw new ApiError('DeploymentTargetIdRequiredException', 'The list targetIds is missing or empty.');
    requireBatch(ids, 'targetIds', MAX_BATCH, 'DeploymentTargetListSizeExceededException');
    const found = (await targetsById(ctx.store.db, await startedDeployment(ctx, input), ids)).map((target, index) => {
      if (target !== undefined) return target;
      throw new ApiError('DeploymentTargetDoesNotExistException', `The deployment has no target ${ids[index]}.`);
    });
    return { deploymentTargets: await Promise.all(found.map((target) => deploymentTarget(ctx.store.db, target))) };
  },

  async ListDeploymentInstances(ctx, input) {
    readDeploymentId(input);
    if ((readList(input, 'instanceTypeFilter') ?? []).length > 0) {
      throw new ApiError('InvalidDeploymentInstanceTypeException', 'Only blue/green deployments have instance types.');
    }
    const statuses = readStatusFilter(readList(input, 'instanceStatusFilter'));
    const deployment = await startedDeployment(ctx, input);
    const { rows, ...rest } = await pageOfTargets(ctx, 'ListDeploymentInstances', input, deployment, statuses);
    return { instancesList: rows.map((target) => target.target_id), ...rest };
  },

  async GetDeploymentInstance(ctx, input) {
    readDeploymentId(input);
    const id = readText(input, 'instanceId');
    if (!id) throw new ApiError('InstanceIdRequiredException', 'The instanceId is missing.');
    const [target] = await targetsById(ctx.store.db, await startedDeployment(ctx, input), [id]);
    if (target === undefined)
      throw new ApiError('InstanceDoesNotExistException', `The deployment has no instance ${id}.`);
    return { instanceSummary: await instanceSummary(ctx.store.db, target) };
  },

  async BatchGetDeploymentInstances(ctx, input) {
    readDeploymentId(input);
    const ids = (readList(input, 'instanceIds') ?? []).map((id) => requireText(id, 'instanceIds'));
    if (ids.length === 0)
      throw new ApiError('InstanceIdRequiredException', 'The list instanceIds is missing or empty.');
    requireBatch(ids, 'instanceIds', MAX_BATCH);
    const targets = await targetsById(ctx.store.db, await startedDeployment(ctx, input), ids);
    const missing = ids.filter((_, index) => targets[index] === undefined);
    const found = targets.filter((target) => target !== undefined);
    return {
      instancesSummary: await Promise.all(found.map((target) => instanceSummary(ctx.store.db, target))),
      errorMessage: missing.length === 0 ? '' : `The deployment has no instances ${missing.join(', ')}.`,
    };
  },
};
