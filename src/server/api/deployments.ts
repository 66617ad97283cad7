import { ApiError } from '../../protocol/errors.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { parseOptions } from '../engine/settings.ts';
import { requestStop } from '../engine/stop.ts';
import { findDeployment, listDeployments } from '../store/deployments.ts';
import type { DeploymentRow, DeploymentStatus } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { countTargets } from '../store/targets.ts';
import { requireApplication } from './applications.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { createDeployment } from './create-deployment.ts';
import { requireGroup } from './deployment-groups.ts';
import {
  APPLICATION,
  GROUP,
  readBoolean,
  readList,
  readObject,
  readOptionalName,
  readText,
  requireBatch,
  requireText,
} from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

type DeploymentInfo = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

const DEPLOYMENT_ID = /^d-[A-Z0-9]{9}$/;
const STATUSES: readonly string[] = [
  'Created',
  'Queued',
  'InProgress',
  'Baking',
  'Succeeded',
  'Failed',
  'Stopped',
  'Ready',
];
const MAX_BATCH = 25;

/** @throws ApiError DeploymentIdRequiredException, InvalidDeploymentIdException */
export function readDeploymentId(input: Input): string {
  const id = readText(input, 'deploymentId');
  if (!id) throw new ApiError('DeploymentIdRequiredException', 'The deploymentId is missing.');
  return checkDeploymentId(id);
}

function checkDeploymentId(id: string): string {
  if (DEPLOYMENT_ID.test(id)) return id;
  throw new ApiError(
    'InvalidDeploymentIdException',
    `'${id.slice(0, 60)}' is no deployment id: d- and nine of A-Z 0-9.`,
  );
}

/** @throws ApiError also DeploymentDoesNotExistException */
export async function requireDeployment(db: StoreReader, input: Input): Promise<DeploymentRow> {
  const id = readDeploymentId(input);
  const row = await findDeployment(db, id);
  if (row === null) throw new ApiError('DeploymentDoesNotExistException', `The deployment ${id} does not exist.`);
  return row;
}

async function deploymentInfos(db: StoreReader, rows: readonly DeploymentRow[]): Promise<DeploymentInfo[]> {
  const counts = await countTargets(
    db,
    rows.map((row) => row.deployment_id),
  );
  return rows.map((row) => deploymentInfo(row, counts.get(row.deployment_id) ?? {}));
}

function deploymentInfo(row: DeploymentRow, counts: Readonly<Record<string, number>>): DeploymentInfo {
  const time = (ms: number | null, name: string) => (ms === null ? {} : { [name]: seconds(ms) });
  return {
    applicationName: row.application_name,
    deploymentGroupName: row.deployment_group_name,
    deploymentConfigName: row.deployment_config_name,
    deploymentId: row.deployment_id,
    revision: parseLocation(row.revision_json),
    ...(row.previous_revision_json === null ? {} : { previousRevision: JSON.parse(row.previous_revision_json) }),
    status: row.status,
    ...(row.error_code === null
      ? {}
      : { errorInformation: { code: row.error_code, message: row.error_message ?? '' } }),
    createTime: seconds(row.created_at_ms),
    ...time(row.started_at_ms, 'startTime'),
    ...time(row.completed_at_ms, 'completeTime'),
    deploymentOverview: {
      Pending: counts['Pending'] ?? 0,
      InProgress: counts['InProgress'] ?? 0,
      Succeeded: counts['Succeeded'] ?? 0,
      Failed: counts['Failed'] ?? 0,
      Skipped: counts['Skipped'] ?? 0,
      Ready: counts['Ready'] ?? 0,
    },
    ...(row.description === null ? {} : { description: row.description }),
    creator: row.creator,
    ignoreApplicationStopFailures: row.ignore_application_stop_failures === 1,
    updateOutdatedInstancesOnly: row.update_outdated_instances_only === 1,
    deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
    instanceTerminationWaitTimeStarted: false,
    fileExistsBehavior: row.file_exists_behavior,
    ...(row.restart_of === null ? {} : { deploymentMode: 'RESTART' }),
    deploymentStatusMessages: [],
    computePlatform: 'Server',
    ...parseOptions(row),
  } as DeploymentInfo;
}

/** As far as dates go in JavaScript: 273 000 years either way. */
const MAX_TIME_SECONDS = 8.64e12;

interface TimeRange {
  readonly from: number | null;
  readonly to: number | null;
}

function readTimeRange(input: Input): TimeRange {
  const range = readObject(input, 'createTimeRange');
  const read = (member: string, toMilliseconds: (value: number) => number): number | null => {
    const value = range?.[member];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'number' || Math.abs(value) > MAX_TIME_SECONDS)
      throw new ApiError('InvalidTimeRangeException', `createTimeRange.${member} must be a time in seconds.`);
    // Times are whole milliseconds; a product of decimals seldom is one.
    return toMilliseconds(Number((value * 1000).toFixed(3)));
  };
  const from = read('start', Math.ceil);
  const to = read('end', Math.floor);
  if (from !== null && to !== null && from > to)
    throw new ApiError('InvalidTimeRangeException', 'createTimeRange ends before it starts.');
  return { from, to };
}

function readExternalId(input: Input): string | null {
  const id = readText(input, 'externalId');
  if (id === '') throw new ApiError('InvalidExternalIdException', 'The externalId is empty.');
  return id;
}

function readStatuses(input: Input): DeploymentStatus[] {
  return (readList(input, 'includeOnlyStatuses') ?? []).map((status) => {
    if (STATUSES.includes(requireText(status, 'includeOnlyStatuses'))) return status as DeploymentStatus;
    throw new ApiError('InvalidDeploymentStatusException', `'${String(status)}' is none of ${STATUSES.join(', ')}.`);
  });
}

export const deploymentHandlers: Handlers<
  'CreateDeployment' | 'GetDeployment' | 'BatchGetDeployments' | 'ListDeployments' | 'StopDeployment'
> = {
  async CreateDeployment(ctx, input) {
    const deploymentId = await createDeployment(ctx, input);
    await ctx.engine.step(deploymentId);
    return { deploymentId };
  },

  async GetDeployment(ctx, input) {
    const [deploymentInfo] = await deploymentInfos(ctx.store.db, [await requireDeployment(ctx.store.db, input)]);
    return deploymentInfo === undefined ? {} : { deploymentInfo };
  },

  async BatchGetDeployments(ctx, input) {
    const list = readList(input, 'deploymentIds');
    if (list === null || list.length === 0)
      throw new ApiError('DeploymentIdRequiredException', 'The list deploymentIds is missing or empty.');
    requireBatch(list, 'deploymentIds', MAX_BATCH);
    const ids = list.map((id) => checkDeploymentId(requireText(id, 'deploymentIds')));
    const rows = await Promise.all(ids.map((id) => findDeployment(ctx.store.db, id)));
    return {
      deploymentsInfo: await deploymentInfos(
        ctx.store.db,
        rows.filter((row) => row !== null),
      ),
    };
  },

  async ListDeployments(ctx, input) {
    const applicationName = readOptionalName(input, 'applicationName', APPLICATION);
    const groupName = readOptionalName(input, 'deploymentGroupName', GROUP);
    if (applicationName === null && groupName !== null) {
      throw new ApiError('ApplicationNameRequiredException', 'A deploymentGroupName needs an applicationName.');
    }
    if (applicationName !== null && groupName === null) {
      throw new ApiError('DeploymentGroupNameRequiredException', 'An applicationName needs a deploymentGroupName.');
    }
    const statuses = readStatuses(input);
    const { from, to } = readTimeRange(input);
    const token = readPageToken(ctx, 'ListDeployments', input);
    const isExternal = readExternalId(input) !== null;
    const { db } = ctx.store;
    const group =
      applicationName === null || groupName === null
        ? null
        : await requireGroup(db, await requireApplication(db, applicationName), groupName);
    // Only what CloudFormation makes has an external id; nothing here does.
    if (isExternal) return { deployments: [] };
    const [createdAt, deploymentId] = token.after.split(' ');
    const found = await listDeployments(db, {
      statuses,
      limit: PAGE_SIZE + 1,
      ...(group === null ? {} : { deploymentGroupId: group.deployment_group_id }),
      ...(from === null ? {} : { createdFromMs: from }),
      ...(to === null ? {} : { createdToMs: to }),
      ...(deploymentId === undefined ? {} : { after: { createdAtMs: Number(createdAt), deploymentId } }),
    });
    const { rows, ...rest } = toPage(found, token, (row) => `${row.created_at_ms} ${row.deployment_id}`);
    return { deployments: rows.map((row) => row.deployment_id), ...rest };
  },

  async StopDeployment(ctx, input) {
    const deploymentId = readDeploymentId(input);
    const withRollback = readBoolean(input, 'autoRollbackEnabled');
    return requestStop(ctx, ctx.engine, { deploymentId, withRollback, now: false });
  },
};
