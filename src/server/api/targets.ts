import { ApiError } from '../../protocol/errors.ts';
import type { EventDiagnostics } from '../engine/diagnostics.ts';
import { eventsOf } from '../store/lifecycle-events.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import { type ApiContext, type Handlers, type Input, seconds } from './context.ts';
import { readDeploymentId, requireDeployment } from './deployments.ts';
import { readList, readObject, readText, requireBatch, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

const STATUSES = ['Pending', 'InProgress', 'Succeeded', 'Failed', 'Skipped', 'Unknown', 'Ready'];
const MAX_BATCH = 25;

/** A deployment whose targets are known. @throws ApiError DeploymentNotStartedException */
async function startedDeployment(
  ctx: ApiContext,
  input: Input,
): Promise<{ deployment: DeploymentRow; targets: TargetRow[] }> {
  const deployment = await requireDeployment(ctx.store.db, input);
  if (deployment.status === 'Created' || deployment.status === 'Queued') {
    throw new ApiError(
      'DeploymentNotStartedException',
      `The deployment ${deployment.deployment_id} has not started yet.`,
    );
  }
  return { deployment, targets: await targetsOf(ctx.store.db, deployment.deployment_id) };
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

/** By name, or by ARN, as older clients have it. */
function findTarget(targets: readonly TargetRow[], id: string): TargetRow | undefined {
  return targets.find((target) => target.target_id === id || target.target_arn === id);
}

function readStatusFilter(list: unknown[] | null): string[] {
  return (list ?? []).map((status) => {
    if (STATUSES.includes(requireText(status, 'status filter'))) return String(status);
    throw new ApiError('InvalidInstanceStatusException', `'${String(status)}' is none of ${STATUSES.join(', ')}.`);
  });
}

function pageOfIds(
  ctx: ApiContext,
  operation: string,
  input: Input,
  targets: readonly TargetRow[],
  statuses: readonly string[],
) {
  const token = readPageToken(ctx, operation, input);
  const after = token.after === '' ? -1 : Number(token.after);
  const following = targets
    .filter((target) => target.position > after && (statuses.length === 0 || statuses.includes(target.status)))
    .slice(0, PAGE_SIZE + 1);
  return toPage(following, token, (target) => String(target.position));
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
    const { targets } = await startedDeployment(ctx, input);
    const { rows, ...rest } = pageOfIds(ctx, 'ListDeploymentTargets', input, targets, statuses);
    return { targetIds: rows.map((target) => target.target_id), ...rest };
  },

  async GetDeploymentTarget(ctx, input) {
    readDeploymentId(input);
    const id = readText(input, 'targetId');
    if (!id) throw new ApiError('DeploymentTargetIdRequiredException', 'The targetId is missing.');
    const { targets } = await startedDeployment(ctx, input);
    const target = findTarget(targets, id);
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
    const { targets } = await startedDeployment(ctx, input);
    const found = ids.map((id) => {
      const target = findTarget(targets, id);
      if (target === undefined)
        throw new ApiError('DeploymentTargetDoesNotExistException', `The deployment has no target ${id}.`);
      return target;
    });
    return { deploymentTargets: await Promise.all(found.map((target) => deploymentTarget(ctx.store.db, target))) };
  },

  async ListDeploymentInstances(ctx, input) {
    readDeploymentId(input);
    if ((readList(input, 'instanceTypeFilter') ?? []).length > 0) {
      throw new ApiError('InvalidDeploymentInstanceTypeException', 'Only blue/green deployments have instance types.');
    }
    const statuses = readStatusFilter(readList(input, 'instanceStatusFilter'));
    const { targets } = await startedDeployment(ctx, input);
    const { rows, ...rest } = pageOfIds(ctx, 'ListDeploymentInstances', input, targets, statuses);
    return { instancesList: rows.map((target) => target.target_id), ...rest };
  },

  async GetDeploymentInstance(ctx, input) {
    readDeploymentId(input);
    const id = readText(input, 'instanceId');
    if (!id) throw new ApiError('InstanceIdRequiredException', 'The instanceId is missing.');
    const { targets } = await startedDeployment(ctx, input);
    const target = findTarget(targets, id);
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
    const { targets } = await startedDeployment(ctx, input);
    const missing = ids.filter((id) => findTarget(targets, id) === undefined);
    const found = ids.flatMap((id) => findTarget(targets, id) ?? []);
    return {
      instancesSummary: await Promise.all(found.map((target) => instanceSummary(ctx.store.db, target))),
      errorMessage: missing.length === 0 ? '' : `The deployment has no instances ${missing.join(', ')}.`,
    };
  },
};
