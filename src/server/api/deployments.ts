import { ApiError } from '../../protocol/errors.ts';
import { type KeyScope, reachOf } from '../../protocol/management/key-scope.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { blueGreenPlanOf, parseOptions, shiftPlanOf, storedSettings } from '../engine/settings.ts';
import { dividedTraffic } from '../engine/shifting/divided.ts';
import { requestStop } from '../engine/stop.ts';
import { deploymentOrdersOf } from '../store/deployment-orders.ts';
import { findDeployment, groupsOfDeployments, listDeployments } from '../store/deployments.ts';
import { lastShifts } from '../store/divided-traffic.ts';
import type { DeploymentRow, DeploymentStatus, OrderRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { countTargets } from '../store/targets.ts';
import { platformOf, requireApplication } from './applications.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { createDeployment } from './create-deployment.ts';
import { createShiftedDeployment } from './create-shifted-deployment.ts';
import { requireGroup } from './deployment-groups.ts';
import {
  APPLICATION,
  checkChoice,
  GROUP,
  quote,
  readBoolean,
  readList,
  readName,
  readOptionalName,
  readText,
  requireBatch,
  requireText,
} from './input.ts';
import { PAGE_SIZE, readPageToken, toVisiblePage } from './paging.ts';
import { styleOf } from './settings/deployment-style.ts';
import { serviceMessages, statusMessages } from './status-messages.ts';
import { readTimeRange } from './time-range.ts';

type DeploymentInfo = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

const DEPLOYMENT_ID = /^d-[A-Z0-9]{9}$/;
/** Statuses that the API knows. No deployment here is ever `Baking`. */
const STATUSES = ['Created', 'Queued', 'InProgress', 'Baking', 'Succeeded', 'Failed', 'Stopped', 'Ready'];
const MAX_BATCH = 25;

/** @throws ApiError InvalidDeploymentIdException */
export function readDeploymentId(input: Input): string {
  return checkDeploymentId(readText(input, 'deploymentId') ?? '', 'deploymentId');
}

function checkDeploymentId(id: string, member: string): string {
  if (DEPLOYMENT_ID.test(id)) return id;
  throw new ApiError(
    'InvalidDeploymentIdException',
    `${member} must be a deployment id, d- and nine of A-Z 0-9, but is ${quote(id)}.`,
  );
}

/** @throws ApiError also DeploymentDoesNotExistException */
export async function requireDeployment(db: StoreReader, input: Input): Promise<DeploymentRow> {
  const id = readDeploymentId(input);
  const row = await findDeployment(db, id);
  if (row === null) throw new ApiError('DeploymentDoesNotExistException', `The deployment ${id} does not exist.`);
  return row;
}

/** @throws ApiError DeploymentNotStartedException while its targets are not known */
export function requireStarted({ deployment_id, status }: DeploymentRow): void {
  if (status !== 'Created' && status !== 'Queued') return;
  throw new ApiError('DeploymentNotStartedException', `The deployment ${deployment_id} has not started yet.`);
}

async function deploymentInfos(db: StoreReader, rows: readonly DeploymentRow[]): Promise<DeploymentInfo[]> {
  const counts = await countTargets(
    db,
    rows.map((row) => row.deployment_id),
  );
  const withOrders = rows.filter(hasOrders).map((row) => row.deployment_id);
  const orders = Map.groupBy(await deploymentOrdersOf(db, withOrders), (order) => order.deployment_id);
  const divided = await dividedBy(db, rows);
  return rows.map((row) => {
    const info = deploymentInfo(row, counts.get(row.deployment_id) ?? {}, orders.get(row.deployment_id) ?? []);
    const message = divided.get(row.deployment_id);
    if (message === undefined) return info;
    return { ...info, deploymentStatusMessages: [...(info.deploymentStatusMessages ?? []), message] };
  });
}

/** Messages about traffic that these deployments have left divided, and that nobody has put right since. */
async function dividedBy(db: StoreReader, rows: readonly DeploymentRow[]): Promise<ReadonlyMap<string, string>> {
  const mayBe = rows.filter((row) => shiftPlanOf(row) !== null && ['Failed', 'Stopped'].includes(row.status));
  if (mayBe.length === 0) return new Map();
  const shifts = await lastShifts(db);
  return new Map(
    shifts.flatMap(({ deploymentId, detailsJson }) => {
      const divided = dividedTraffic(JSON.parse(detailsJson) as object);
      return divided === null ? [] : [[deploymentId, `Now ${divided.words}. ${divided.remedy}`] as const];
    }),
  );
}

/** Whether the server does something for the deployment as a whole: programs make or end hosts, or a task set is deleted. */
function hasOrders(row: DeploymentRow): boolean {
  const plan = blueGreenPlanOf(row);
  if (shiftPlanOf(row)?.service !== undefined) return true;
  return plan?.course === 'blue-green' && (plan.provisionBy !== undefined || plan.terminateBy !== undefined);
}

function deploymentInfo(
  row: DeploymentRow,
  counts: Readonly<Record<string, number>>,
  orders: readonly OrderRow[],
): DeploymentInfo {
  const time = (ms: number | null, name: string) => (ms === null ? {} : { [name]: seconds(ms) });
  const { loadBalancerInfo, blueGreen = null, shifted } = storedSettings(row, null);
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
    deploymentStyle:
      shifted === undefined
        ? styleOf({ controlsTraffic: loadBalancerInfo !== null, isBlueGreen: blueGreen !== null })
        : styleOf({ controlsTraffic: true, isBlueGreen: true }),
    ...(loadBalancerInfo === null ? {} : { loadBalancerInfo }),
    instanceTerminationWaitTimeStarted: row.termination_wait_at_ms !== null,
    fileExistsBehavior: row.file_exists_behavior,
    ...(row.restart_of === null ? {} : { deploymentMode: 'RESTART' }),
    deploymentStatusMessages:
      shifted?.service === undefined
        ? statusMessages(row, blueGreen, orders)
        : serviceMessages(row, shifted.service, orders),
    computePlatform: shifted?.platform ?? 'Server',
    ...parseOptions(row),
  } as DeploymentInfo;
}

/** Finds the deployments that a key may see. */
async function deploymentsWithin(
  db: StoreReader,
  scope: KeyScope | null,
  rows: readonly DeploymentRow[],
): Promise<readonly DeploymentRow[]> {
  if (scope === null) return rows;
  const reach = reachOf(scope);
  const ids = rows.map((row) => row.deployment_id);
  const groups = await groupsOfDeployments(db, ids);
  return rows.filter((row) => {
    const group = groups.get(row.deployment_id);
    return group !== undefined && reach.hasGroup(group.applicationName, group.groupName);
  });
}

function readExternalId(input: Input): string | null {
  const id = readText(input, 'externalId');
  if (id === '') throw new ApiError('InvalidExternalIdException', 'externalId is empty.');
  return id;
}

function readStatuses(input: Input): DeploymentStatus[] {
  return (readList(input, 'includeOnlyStatuses') ?? []).map((status, index) => {
    const path = `includeOnlyStatuses[${index}]`;
    return checkChoice(
      requireText(status, path),
      path,
      STATUSES,
      'InvalidDeploymentStatusException',
    ) as DeploymentStatus;
  });
}

export const deploymentHandlers: Handlers<
  'CreateDeployment' | 'GetDeployment' | 'BatchGetDeployments' | 'ListDeployments' | 'StopDeployment'
> = {
  async CreateDeployment(ctx, input) {
    const platform = await platformOf(ctx.store.db, readName(input, 'applicationName', APPLICATION));
    const deploymentId =
      platform === 'Server' ? await createDeployment(ctx, input) : await createShiftedDeployment(ctx, input, platform);
    await ctx.engine.step(deploymentId);
    return { deploymentId };
  },

  async GetDeployment(ctx, input) {
    const [deploymentInfo] = await deploymentInfos(ctx.store.db, [await requireDeployment(ctx.store.db, input)]);
    return deploymentInfo === undefined ? {} : { deploymentInfo };
  },

  async BatchGetDeployments(ctx, input) {
    const list = readList(input, 'deploymentIds') ?? [];
    requireBatch(list, 'deploymentIds', MAX_BATCH);
    const ids = list.map((id, index) => {
      const path = `deploymentIds[${index}]`;
      return checkDeploymentId(requireText(id, path), path);
    });
    const rows = await Promise.all(ids.map((id) => findDeployment(ctx.store.db, id)));
    return {
      deploymentsInfo: await deploymentInfos(
        ctx.store.db,
        rows.filter((row) => row !== null),
      ),
    };
  },

  async ListDeployments(ctx, input, { scope }) {
    const applicationName = readOptionalName(input, 'applicationName', APPLICATION);
    const groupName = readOptionalName(input, 'deploymentGroupName', GROUP);
    const statuses = readStatuses(input);
    const { from, to } = readTimeRange(input, 'createTimeRange');
    const token = readPageToken(ctx, 'ListDeployments', input);
    const isExternal = readExternalId(input) !== null;
    const { db } = ctx.store;
    const group =
      applicationName === null || groupName === null
        ? null
        : await requireGroup(db, await requireApplication(db, applicationName), groupName);
    // Only what CloudFormation makes has an external id; nothing here does.
    if (isExternal) return { deployments: [] };
    const { rows, ...rest } = await toVisiblePage<DeploymentRow>(
      token,
      (row) => `${row.created_at_ms} ${row.deployment_id}`,
      (after) => {
        const [createdAt, deploymentId] = after.split(' ');
        return listDeployments(db, {
          statuses,
          limit: PAGE_SIZE + 1,
          ...(group === null ? {} : { deploymentGroupId: group.deployment_group_id }),
          ...(from === null ? {} : { createdFromMs: from }),
          ...(to === null ? {} : { createdToMs: to }),
          ...(deploymentId === undefined ? {} : { after: { createdAtMs: Number(createdAt), deploymentId } }),
        });
      },
      (found) => deploymentsWithin(db, scope, found),
    );
    return { deployments: rows.map((row) => row.deployment_id), ...rest };
  },

  async StopDeployment(ctx, input) {
    const deploymentId = readDeploymentId(input);
    const withRollback = readBoolean(input, 'autoRollbackEnabled');
    return requestStop(ctx, ctx.engine, { deploymentId, withRollback, now: false });
  },
};
