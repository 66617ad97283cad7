import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import type { EventDiagnostics } from '../engine/diagnostics.ts';
import { blueGreenPlanOf, shiftPlanOf } from '../engine/settings.ts';
import { eventsOf } from '../store/lifecycle-events.ts';
import { ordersOfTarget } from '../store/orders.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow, TargetStatus } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { findTargets, listTargets } from '../store/targets.ts';
import { type ApiContext, type Handlers, type Input, seconds } from './context.ts';
import { readDeploymentId, requireDeployment, requireStarted } from './deployments.ts';
import { checkChoice, isName, quote, readList, readObject, readText, requireBatch, requireText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { callUnderWay, shiftedTarget } from './shifted-target.ts';

const STATUSES: readonly TargetStatus[] = [
  'Pending',
  'InProgress',
  'Succeeded',
  'Failed',
  'Skipped',
  'Unknown',
  'Ready',
];
const LABELS = ['Blue', 'Green'] as const;
type Label = (typeof LABELS)[number];
const FILTERS = ['TargetStatus', 'ServerInstanceLabel'];
const MAX_BATCH = 25;

/** A deployment whose targets are known. @throws ApiError DeploymentNotStartedException */
async function startedDeployment(ctx: ApiContext, input: Input): Promise<DeploymentRow> {
  const deployment = await requireDeployment(ctx.store.db, input);
  requireStarted(deployment);
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
  // Hosts carry out most events, and no order is asked about those.
  const isAwaited = events.some(({ status, host_arn }) => status === 'InProgress' && host_arn === '');
  const orders = isAwaited ? await ordersOfTarget(db, target.deployment_id, target.instance_id) : [];
  return {
    deploymentId: target.deployment_id,
    status: target.status,
    lastUpdatedAt: seconds(
      Math.max(target.updated_at_ms, ...events.map((event) => event.ended_at_ms ?? event.started_at_ms ?? 0)),
    ),
    lifecycleEvents: events.map((event) => ({
      ...lifecycleEvent(event),
      ...callUnderWay(
        event,
        orders.find(({ position }) => position === event.position),
      ),
    })),
  };
}

async function deploymentTarget(db: StoreReader, target: TargetRow) {
  const { details_json } = target;
  if (details_json !== null) return shiftedTarget(target, await summaryOf(db, target), details_json);
  const instanceLabel = labelOf(target);
  return {
    deploymentTargetType: 'InstanceTarget' as const,
    instanceTarget: {
      ...(await summaryOf(db, target)),
      targetId: target.target_id,
      targetArn: target.target_arn,
      ...(instanceLabel === null ? {} : { instanceLabel }),
    },
  };
}

async function instanceSummary(db: StoreReader, target: TargetRow) {
  const instanceType = labelOf(target);
  return {
    ...(await summaryOf(db, target)),
    instanceId: target.target_arn,
    ...(instanceType === null ? {} : { instanceType }),
  };
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

function readStatusFilter(list: unknown[] | null, path: string): TargetStatus[] {
  return (list ?? []).map((status, index) => {
    const member = `${path}[${index}]`;
    return checkChoice(requireText(status, member), member, STATUSES, 'InvalidInstanceStatusException');
  });
}

function readLabels(list: unknown[] | null, path: string): Label[] {
  return (list ?? []).map((label, index) => {
    const member = `${path}[${index}]`;
    return checkChoice(requireText(label, member), member, LABELS, 'InvalidInstanceTypeException');
  });
}

/** @throws ApiError InvalidDeploymentInstanceTypeException: the targets of a deployment in place have no labels */
function requireLabels(deployment: DeploymentRow): void {
  if (blueGreenPlanOf(deployment) !== null) return;
  throw new ApiError(
    'InvalidDeploymentInstanceTypeException',
    `Blue and Green are labels of blue/green deployments; ${deployment.deployment_id} is in place. Leave the filter out.`,
  );
}

/** @throws ApiError InvalidComputePlatformException: a function or a service is no instance */
function requireInstances(deployment: DeploymentRow): void {
  const platform = shiftPlanOf(deployment)?.platform;
  if (platform === undefined) return;
  throw new ApiError(
    'InvalidComputePlatformException',
    `The deployment ${deployment.deployment_id} deploys to ${platform} and has no instances. Use ListDeploymentTargets and BatchGetDeploymentTargets.`,
  );
}

/** The label as the API writes it; null: the target has none. */
function labelOf({ label }: TargetRow): Label | null {
  return label === null ? null : label === 'blue' ? 'Blue' : 'Green';
}

/** An id that a target can have: its name, or its ARN. */
function checkTargetId(id: string, member: string, invalid: ExceptionName): string {
  // A service is named with its cluster.
  if (isName(id) || id.startsWith('arn:') || id.split(':').every(isName)) return id;
  throw new ApiError(invalid, `${member} must be the name or the ARN of a target, but is ${quote(id)}.`);
}

function readTargetIds(input: Input, member: string, invalid: ExceptionName, tooMany: ExceptionName): string[] {
  const ids = readList(input, member) ?? [];
  requireBatch(ids, member, MAX_BATCH, tooMany);
  return ids.map((id, index) => {
    const path = `${member}[${index}]`;
    return checkTargetId(requireText(id, path), path, invalid);
  });
}

/** Empty lists: any. */
interface TargetFilter {
  readonly statuses: readonly TargetStatus[];
  readonly labels: readonly Label[];
}

/** A page of the deployment that the request names. */
async function pageOfTargets(
  ctx: ApiContext,
  operation: 'ListDeploymentTargets' | 'ListDeploymentInstances',
  input: Input,
  filter: TargetFilter,
) {
  const token = readPageToken(ctx, operation, input);
  const after = token.after === '' ? -1 : Number(token.after);
  const deployment = await startedDeployment(ctx, input);
  if (operation === 'ListDeploymentInstances') requireInstances(deployment);
  if (filter.labels.length > 0) requireLabels(deployment);
  const labels = filter.labels.map((label) => (label === 'Blue' ? 'blue' : 'green'));
  const { statuses } = filter;
  const page = { statuses, labels, after, limit: PAGE_SIZE + 1 };
  const found = await listTargets(ctx.store.db, deployment.deployment_id, page);
  return toPage(found, token, (target) => String(target.position));
}

function missing(type: ExceptionName, { deployment_id }: DeploymentRow, what: string, id: string): ApiError {
  return new ApiError(type, `The deployment ${deployment_id} has no ${what} ${quote(id)}.`);
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
    for (const name of Object.keys(filters)) {
      checkChoice(name, 'The name of a filter in targetFilters', FILTERS, 'InvalidTargetFilterNameException');
    }
    const labels = readLabels(readList(filters, 'ServerInstanceLabel'), 'targetFilters.ServerInstanceLabel');
    const statuses = readStatusFilter(readList(filters, 'TargetStatus'), 'targetFilters.TargetStatus');
    const { rows, ...rest } = await pageOfTargets(ctx, 'ListDeploymentTargets', input, { statuses, labels });
    return { targetIds: rows.map((target) => target.target_id), ...rest };
  },

  async GetDeploymentTarget(ctx, input) {
    readDeploymentId(input);
    const id = checkTargetId(readText(input, 'targetId') ?? '', 'targetId', 'InvalidDeploymentTargetIdException');
    const deployment = await startedDeployment(ctx, input);
    const [target] = await targetsById(ctx.store.db, deployment, [id]);
    if (target === undefined) throw missing('DeploymentTargetDoesNotExistException', deployment, 'target', id);
    return { deploymentTarget: await deploymentTarget(ctx.store.db, target) };
  },

  async BatchGetDeploymentTargets(ctx, input) {
    readDeploymentId(input);
    const ids = readTargetIds(
      input,
      'targetIds',
      'InvalidDeploymentTargetIdException',
      'DeploymentTargetListSizeExceededException',
    );
    const deployment = await startedDeployment(ctx, input);
    const found = (await targetsById(ctx.store.db, deployment, ids)).map((target, index) => {
      if (target !== undefined) return target;
      throw missing('DeploymentTargetDoesNotExistException', deployment, 'target', ids[index] ?? '');
    });
    return { deploymentTargets: await Promise.all(found.map((target) => deploymentTarget(ctx.store.db, target))) };
  },

  async ListDeploymentInstances(ctx, input) {
    readDeploymentId(input);
    const labels = readLabels(readList(input, 'instanceTypeFilter'), 'instanceTypeFilter');
    const statuses = readStatusFilter(readList(input, 'instanceStatusFilter'), 'instanceStatusFilter');
    const { rows, ...rest } = await pageOfTargets(ctx, 'ListDeploymentInstances', input, { statuses, labels });
    return { instancesList: rows.map((target) => target.target_id), ...rest };
  },

  // A deployment that has not started has no instances yet: there is no exception of its own for that in these two.
  async GetDeploymentInstance(ctx, input) {
    readDeploymentId(input);
    const id = checkTargetId(readText(input, 'instanceId') ?? '', 'instanceId', 'InvalidInstanceNameException');
    const deployment = await requireDeployment(ctx.store.db, input);
    requireInstances(deployment);
    const [target] = await targetsById(ctx.store.db, deployment, [id]);
    if (target === undefined) throw missing('InstanceDoesNotExistException', deployment, 'instance', id);
    return { instanceSummary: await instanceSummary(ctx.store.db, target) };
  },

  async BatchGetDeploymentInstances(ctx, input) {
    readDeploymentId(input);
    const ids = readTargetIds(input, 'instanceIds', 'InvalidInstanceNameException', 'BatchLimitExceededException');
    const deployment = await requireDeployment(ctx.store.db, input);
    requireInstances(deployment);
    const targets = await targetsById(ctx.store.db, deployment, ids);
    const unknown = ids.filter((_, index) => targets[index] === undefined);
    const found = targets.filter((target) => target !== undefined);
    return {
      instancesSummary: await Promise.all(found.map((target) => instanceSummary(ctx.store.db, target))),
      errorMessage: unknown.length === 0 ? '' : `The deployment has no instances ${unknown.join(', ')}.`,
    };
  },
};
