import { ApiError } from '../../protocol/errors.ts';
import { reachOf } from '../../protocol/management/key-scope.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { autoScalingGroupsOf, controlsTraffic, isBlueGreen } from '../engine/settings.ts';
import { holdApplication } from '../store/applications.ts';
import {
  deleteGroup,
  findGroup,
  findGroups,
  insertGroup,
  listGroupNames,
  lockGroup,
  updateGroup,
} from '../store/deployment-groups.ts';
import { findDeployment } from '../store/deployments.ts';
import { moveResourceTags, putResourceTags } from '../store/resource-tags.ts';
import type { ApplicationRow, DeploymentGroupRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import {
  platformOf,
  requireApplication,
  requireHeldApplication,
  requireLockedApplication,
  requirePlatform,
} from './applications.ts';
import { defaultConfigOf, type Platform } from './compute-platform.ts';
import { requireHeldConfig } from './configs-in-use.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { claimService } from './ecs-service.ts';
import { hooksNotCleanedUp, settleHooksOf, shownAutoScalingGroups } from './group-hooks.ts';
import {
  APPLICATION,
  CONFIG,
  GROUP,
  quote,
  readName,
  readNames,
  readObject,
  readOptionalName,
  readText,
} from './input.ts';
import { PAGE_SIZE, readPageToken, toVisiblePage } from './paging.ts';
import { requireRoomForGroup } from './quotas.ts';
import { resourceArn } from './resource-arn.ts';
import { checkAlarms } from './settings/alarms.ts';
import { checkAutoScalingGroups } from './settings/auto-scaling.ts';
import { styleOf } from './settings/deployment-style.ts';
import { checkGroupSettings, type GroupSettings, mergeGroupSettings } from './settings/group-settings.ts';
import { shownShiftedSettings } from './settings/shifted-group.ts';
import { readTags } from './tags.ts';

type GroupInfo = NonNullable<ManagementOperations['GetDeploymentGroup']['output']['deploymentGroupInfo']>;

const MAX_BATCH = 100;

/** @throws ApiError DeploymentGroupDoesNotExistException */
export async function requireGroup(
  db: StoreReader,
  application: ApplicationRow,
  name: string,
): Promise<DeploymentGroupRow> {
  return present(await findGroup(db, application.application_id, name), name);
}

/** For a transaction that changes the group or deploys to it. @throws ApiError DeploymentGroupDoesNotExistException */
export async function requireLockedGroup(
  tx: StoreTransaction,
  application: ApplicationRow,
  name: string,
): Promise<DeploymentGroupRow> {
  return present(await lockGroup(tx, application.application_id, name), name);
}

function present(row: DeploymentGroupRow | null, name: string): DeploymentGroupRow {
  if (row !== null) return row;
  throw new ApiError('DeploymentGroupDoesNotExistException', `No deployment group found for name: ${name}`);
}

async function groupInfo(db: StoreReader, application: ApplicationRow, row: DeploymentGroupRow): Promise<GroupInfo> {
  const { groupHooks: _, ...settings } = JSON.parse(row.settings_json) as GroupSettings;
  const lastOf = async (deploymentId: string | null) => {
    const deployment = deploymentId === null ? null : await findDeployment(db, deploymentId);
    if (deployment === null) return undefined;
    return {
      deploymentId: deployment.deployment_id,
      status: deployment.status,
      createTime: seconds(deployment.created_at_ms),
      ...(deployment.completed_at_ms === null ? {} : { endTime: seconds(deployment.completed_at_ms) }),
    };
  };
  const lastSuccessfulDeployment = await lastOf(row.last_successful_deployment_id);
  const lastAttemptedDeployment = await lastOf(row.last_attempted_deployment_id);
  return {
    applicationName: application.application_name,
    deploymentGroupId: row.deployment_group_id,
    deploymentGroupName: row.deployment_group_name,
    deploymentConfigName: row.deployment_config_name,
    serviceRoleArn: row.service_role_arn,
    computePlatform: application.compute_platform,
    ec2TagFilters: [],
    onPremisesInstanceTagFilters: [],
    triggerConfigurations: [],
    outdatedInstancesStrategy: 'UPDATE',
    terminationHookEnabled: false,
    ...(settings as Partial<GroupInfo>),
    // Given as names, shown as objects.
    autoScalingGroups: await shownAutoScalingGroups(db, row.deployment_group_id, autoScalingGroupsOf(settings)),
    ...platformMembers(settings, application.compute_platform),
    ...(row.target_revision_json === null ? {} : { targetRevision: JSON.parse(row.target_revision_json) }),
    ...(lastSuccessfulDeployment === undefined ? {} : { lastSuccessfulDeployment }),
    ...(lastAttemptedDeployment === undefined ? {} : { lastAttemptedDeployment }),
  } as GroupInfo;
}

/** Returns the members that a platform shows even when the group does not set them. */
function platformMembers(settings: GroupSettings, platform: Platform): Partial<GroupInfo> {
  if (platform !== 'Server') return shownShiftedSettings(settings, platform) as Partial<GroupInfo>;
  return {
    deploymentStyle: styleOf({ controlsTraffic: controlsTraffic(settings), isBlueGreen: isBlueGreen(settings) }),
  };
}

/** @returns null: absent */
function readRole(input: Input): string | null {
  const role = readText(input, 'serviceRoleArn');
  if (role === null || role.startsWith('arn:')) return role;
  throw new ApiError(
    'InvalidRoleException',
    `serviceRoleArn must be the ARN of a role, but is ${quote(role)}. This server keeps it and does nothing with it.`,
  );
}

async function requireFreeName(db: StoreReader, application: ApplicationRow, name: string): Promise<void> {
  if ((await findGroup(db, application.application_id, name)) !== null) {
    throw new ApiError(
      'DeploymentGroupAlreadyExistsException',
      `A deployment group with the name ${name} exists already.`,
    );
  }
}

export const deploymentGroupHandlers: Handlers<
  | 'CreateDeploymentGroup'
  | 'GetDeploymentGroup'
  | 'BatchGetDeploymentGroups'
  | 'ListDeploymentGroups'
  | 'UpdateDeploymentGroup'
  | 'DeleteDeploymentGroup'
> = {
  async CreateDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'deploymentGroupName', GROUP);
    const givenConfig = readOptionalName(input, 'deploymentConfigName', CONFIG);
    const serviceRoleArn = readRole(input) ?? '';
    const platform = await platformOf(ctx.store.db, applicationName);
    const config = givenConfig ?? defaultConfigOf(platform);
    checkGroupSettings(input, platform, ctx);
    await checkAutoScalingGroups(ctx, input);
    checkAlarms(readObject(input, 'alarmConfiguration'), 'alarmConfiguration', ctx.alarms);
    const tags = readTags(input, 'tags');
    const deploymentGroupId = ctx.random.uuid();
    await ctx.store.transaction(async (tx) => {
      const application = requirePlatform(await requireLockedApplication(tx, applicationName), platform);
      await requireFreeName(tx, application, name);
      await requireRoomForGroup(tx, application);
      await requireHeldConfig(tx, config, platform);
      const settings = mergeGroupSettings(input, platform, ctx);
      await insertGroup(tx, {
        deployment_group_id: deploymentGroupId,
        application_id: application.application_id,
        deployment_group_name: name,
        deployment_config_name: config,
        service_role_arn: serviceRoleArn,
        settings_json: JSON.stringify(settings),
        target_revision_json: null,
        last_attempted_deployment_id: null,
        last_successful_deployment_id: null,
        created_at_ms: ctx.clock.now(),
      });
      await claimService(tx, deploymentGroupId, settings);
      await settleHooksOf(ctx, tx, { id: deploymentGroupId, name, settings });
      await putResourceTags(tx, resourceArn(ctx, `deploymentgroup:${applicationName}/${name}`), tags);
    });
    return { deploymentGroupId };
  },

  async GetDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'deploymentGroupName', GROUP);
    const application = await requireApplication(ctx.store.db, applicationName);
    const row = await requireGroup(ctx.store.db, application, name);
    return { deploymentGroupInfo: await groupInfo(ctx.store.db, application, row) };
  },

  async BatchGetDeploymentGroups(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const names = readNames(input, 'deploymentGroupNames', GROUP, MAX_BATCH);
    const application = await requireApplication(ctx.store.db, applicationName);
    const rows = await findGroups(ctx.store.db, application.application_id, names);
    const missing = names.filter((name) => !rows.some((row) => row.deployment_group_name === name));
    return {
      deploymentGroupsInfo: await Promise.all(rows.map((row) => groupInfo(ctx.store.db, application, row))),
      errorMessage: missing.length === 0 ? '' : `No deployment groups found for names: ${missing.join(', ')}`,
    };
  },

  async ListDeploymentGroups(ctx, input, { scope }) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const token = readPageToken(ctx, 'ListDeploymentGroups', input);
    const application = await requireApplication(ctx.store.db, applicationName);
    const { application_id } = application;
    const reach = reachOf(scope);
    const { rows: deploymentGroups, ...rest } = await toVisiblePage<string>(
      token,
      (name) => name,
      (after) => listGroupNames(ctx.store.db, application_id, after, PAGE_SIZE + 1),
      async (names) => names.filter((name) => reach.hasGroup(applicationName, name)),
    );
    return { applicationName, deploymentGroups, ...rest };
  },

  async UpdateDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'currentDeploymentGroupName', GROUP);
    const newName = readOptionalName(input, 'newDeploymentGroupName', GROUP) ?? name;
    const config = readOptionalName(input, 'deploymentConfigName', CONFIG);
    const role = readRole(input);
    const platform = await platformOf(ctx.store.db, applicationName);
    checkGroupSettings(input, platform, ctx);
    await checkAutoScalingGroups(ctx, input);
    checkAlarms(readObject(input, 'alarmConfiguration'), 'alarmConfiguration', ctx.alarms);
    const groupId = await ctx.store.transaction(async (tx) => {
      const application = requirePlatform(await requireHeldApplication(tx, applicationName), platform);
      const row = await requireLockedGroup(tx, application, name);
      const before = JSON.parse(row.settings_json) as GroupSettings;
      const settings = mergeGroupSettings(input, platform, ctx, before);
      if (newName !== name) await requireFreeName(tx, application, newName);
      if (config !== null) await requireHeldConfig(tx, config, platform);
      if (newName !== name) {
        const arnOf = (groupName: string) => resourceArn(ctx, `deploymentgroup:${applicationName}/${groupName}`);
        await moveResourceTags(tx, arnOf(name), arnOf(newName));
      }
      // The id stays: what is installed on hosts is kept under it.
      await updateGroup(tx, row.deployment_group_id, {
        deployment_group_name: newName,
        deployment_config_name: config ?? row.deployment_config_name,
        service_role_arn: role ?? row.service_role_arn,
        settings_json: JSON.stringify(settings),
      });
      await claimService(tx, row.deployment_group_id, settings);
      await settleHooksOf(ctx, tx, { id: row.deployment_group_id, name: newName, settings });
      return row.deployment_group_id;
    });
    return { hooksNotCleanedUp: await hooksNotCleanedUp(ctx, groupId) };
  },

  async DeleteDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'deploymentGroupName', GROUP);
    const groupId = await ctx.store.transaction(async (tx) => {
      const application = await holdApplication(tx, applicationName);
      const row = application === null ? null : await lockGroup(tx, application.application_id, name);
      if (row === null) return null;
      await settleHooksOf(ctx, tx, { id: row.deployment_group_id, name, settings: null });
      await deleteGroup(tx, row.deployment_group_id);
      await moveResourceTags(tx, resourceArn(ctx, `deploymentgroup:${applicationName}/${name}`), null);
      return row.deployment_group_id;
    });
    return { hooksNotCleanedUp: groupId === null ? [] : await hooksNotCleanedUp(ctx, groupId) };
  },
};
