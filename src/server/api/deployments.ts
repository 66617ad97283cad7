import { ApiError } from '../../protocol/errors.ts';
import { identityOf, parseLocation, type RevisionLocation } from '../../protocol/management/revision-location.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { type DeploymentOptions, parseOptions, settingsOf } from '../engine/settings.ts';
import { requestStop } from '../engine/stop.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import { findActiveDeployment, findDeployment, insertDeployment, listDeployments } from '../store/deployments.ts';
import { noteRevisionUse, putRevision } from '../store/revisions.ts';
import type { DeploymentRow, DeploymentStatus } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import { countTargets } from '../store/targets.ts';
import { requireApplication, requireHeldApplication } from './applications.ts';
import { type ApiContext, type Handlers, type Input, seconds } from './context.ts';
import { requireConfig } from './deployment-configs.ts';
import { requireGroup, requireLockedGroup } from './deployment-groups.ts';
import { checkAlarms, checkRollback, type GroupSettings } from './group-settings.ts';
import {
  APPLICATION,
  CONFIG,
  GROUP,
  readBoolean,
  readDescription,
  readList,
  readName,
  readObject,
  readOptionalName,
  readText,
  requireBatch,
  requireText,
} from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { readRevision, revisionRow } from './revisions.ts';

type DeploymentInfo = NonNullable<ManagementOperations['GetDeployment']['output']['deploymentInfo']>;

const DEPLOYMENT_ID = /^d-[A-Z0-9]{9}$/;
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
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
const BEHAVIORS = ['DISALLOW', 'OVERWRITE', 'RETAIN'] as const;
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

interface CreateOptions {
  readonly fileExistsBehavior: (typeof BEHAVIORS)[number];
  readonly ignoreApplicationStopFailures: boolean;
  readonly updateOutdatedInstancesOnly: boolean;
  readonly isRestart: boolean;
  readonly shown: DeploymentOptions;
}

function readOptions(input: Input): CreateOptions {
  const behavior = readText(input, 'fileExistsBehavior') ?? 'DISALLOW';
  const fileExistsBehavior = BEHAVIORS.find((known) => known === behavior);
  if (fileExistsBehavior === undefined) {
    throw new ApiError(
      'InvalidFileExistsBehaviorException',
      `fileExistsBehavior must be ${BEHAVIORS.join(', ')}, but is '${behavior}'.`,
    );
  }
  const updateOutdatedInstancesOnly = readBoolean(input, 'updateOutdatedInstancesOnly') ?? false;
  const rollback = readObject(input, 'autoRollbackConfiguration');
  checkRollback(rollback);
  const alarms = readObject(input, 'overrideAlarmConfiguration');
  checkAlarms(alarms);
  return {
    fileExistsBehavior,
    ignoreApplicationStopFailures: readBoolean(input, 'ignoreApplicationStopFailures') ?? false,
    updateOutdatedInstancesOnly,
    isRestart: readIsRestart(input, updateOutdatedInstancesOnly),
    shown: {
      ...(rollback === null ? {} : { autoRollbackConfiguration: rollback }),
      ...(alarms === null ? {} : { overrideAlarmConfiguration: alarms }),
    },
  };
}

/**
 * @returns whether the mode is RESTART: the revision of the group's last successful deployment once more, from the files that its hosts have
 * @throws ApiError InvalidInputException for another mode; for a restart InvalidRevisionException, when the caller names a revision, too, and
 *   InvalidUpdateOutdatedInstancesOnlyValueException, since it would leave out all the hosts that it is for
 */
function readIsRestart(input: Input, updateOutdatedInstancesOnly: boolean): boolean {
  const mode = readText(input, 'deploymentMode') ?? 'STANDARD';
  if (mode !== 'STANDARD' && mode !== 'RESTART') {
    throw new ApiError('InvalidInputException', `deploymentMode must be STANDARD or RESTART, but is '${mode}'.`);
  }
  if (mode === 'STANDARD') return false;
  if (readObject(input, 'revision') !== null) {
    throw new ApiError(
      'InvalidRevisionException',
      'A deployment of mode RESTART takes no revision: it is that of the last successful deployment of the group.',
    );
  }
  if (updateOutdatedInstancesOnly) {
    throw new ApiError(
      'InvalidUpdateOutdatedInstancesOnlyValueException',
      'updateOutdatedInstancesOnly must not be true with the deploymentMode RESTART.',
    );
  }
  return true;
}

async function createDeployment(ctx: ApiContext, input: Input): Promise<string> {
  const applicationName = readName(input, 'applicationName', APPLICATION);
  const groupName = readName(input, 'deploymentGroupName', GROUP);
  const configName = readOptionalName(input, 'deploymentConfigName', CONFIG);
  const description = readDescription(input);
  const options = readOptions(input);
  const hasRevision = readObject(input, 'revision') !== null;
  const mayLackRevision = options.isRestart || options.updateOutdatedInstancesOnly;
  const given = hasRevision || !mayLackRevision ? readRevision(input, 'revision') : null;
  const deploymentId = `d-${ctx.random.text(9, ID_LETTERS)}`;
  await ctx.store.transaction(async (tx) => {
    const application = await requireHeldApplication(tx, applicationName);
    const group = await requireLockedGroup(tx, application, groupName);
    const config = await requireConfig(tx, configName ?? group.deployment_config_name);
    const last =
      group.last_successful_deployment_id === null
        ? null
        : await findDeployment(tx, group.last_successful_deployment_id);
    const known = options.isRestart ? (last?.revision_json ?? null) : group.target_revision_json;
    const revision = given ?? (known === null ? null : parseLocation(known));
    if (revision === null) {
      throw new ApiError(
        'RevisionRequiredException',
        options.isRestart
          ? 'There is nothing to restart: the group has no successful deployment yet.'
          : 'The revision is missing, and the group has none yet.',
      );
    }
    const active = await findActiveDeployment(tx, group.deployment_group_id);
    if (active !== null) {
      throw new ApiError(
        'DeploymentLimitExceededException',
        `The Deployment Group '${groupName}' already has an active Deployment '${active.deployment_id}'`,
      );
    }
    // Shown is what is in force, also where it is the group's.
    const groupSettings = JSON.parse(group.settings_json) as GroupSettings;
    const { autoRollbackConfiguration } = groupSettings;
    const shown = {
      ...(autoRollbackConfiguration === undefined ? {} : { autoRollbackConfiguration }),
      ...options.shown,
    };
    const nowMs = ctx.clock.now();
    const note = `Application revision registered by Deployment ID: ${deploymentId}`;
    await useRevision(tx, ctx, application.application_id, revision, note, nowMs);
    await insertDeployment(tx, {
      deployment_id: deploymentId,
      application_id: application.application_id,
      application_name: applicationName,
      deployment_group_id: group.deployment_group_id,
      deployment_group_name: groupName,
      deployment_config_name: config.name,
      minimum_type: config.minimum.type,
      minimum_value: config.minimum.value,
      status: 'Created',
      revision_json: JSON.stringify(revision),
      previous_revision_json: last?.revision_json ?? null,
      creator: 'user',
      description,
      file_exists_behavior: options.fileExistsBehavior,
      ignore_application_stop_failures: options.ignoreApplicationStopFailures ? 1 : 0,
      update_outdated_instances_only: options.updateOutdatedInstancesOnly ? 1 : 0,
      restart_of: options.isRestart ? (last?.deployment_id ?? null) : null,
      options_json: JSON.stringify(shown),
      settings_json: JSON.stringify(settingsOf(groupSettings, options.shown)),
      created_at_ms: nowMs,
      started_at_ms: null,
      completed_at_ms: null,
      stop_requested_at_ms: null,
      error_code: null,
      error_message: null,
      wake_at_ms: nowMs,
    });
    await updateGroup(tx, group.deployment_group_id, {
      target_revision_json: JSON.stringify(revision),
      last_attempted_deployment_id: deploymentId,
    });
  });
  return deploymentId;
}

/** A revision that is deployed is registered if it was not, and remembers when it was used. */
async function useRevision(
  tx: StoreTransaction,
  ctx: ApiContext,
  applicationId: string,
  revision: RevisionLocation,
  note: string,
  nowMs: number,
): Promise<void> {
  const identity = identityOf(revision);
  if (await noteRevisionUse(tx, applicationId, identity, nowMs)) return;
  await putRevision(tx, revisionRow(ctx, applicationId, revision, note));
  await noteRevisionUse(tx, applicationId, identity, nowMs);
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
