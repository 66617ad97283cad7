import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import { findDeployment } from '../store/deployments.ts';
import type { ApplicationRow, DeploymentGroupRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { findApplication } from './applications.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { DEFAULT_CONFIG, findDeploymentConfig } from './deployment-configs.ts';
import { type GroupSettings, readGroupSettings } from './group-settings.ts';
import { APPLICATION, CONFIG, GROUP, readName, readNames, readOptionalName, readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { moveTags, putTags, readTags, resourceArn } from './tags.ts';

type GroupInfo = NonNullable<ManagementOperations['GetDeploymentGroup']['output']['deploymentGroupInfo']>;

const MAX_BATCH = 100;

/** @throws ApiError DeploymentGroupDoesNotExistException */
export async function findDeploymentGroup(
  db: StoreReader,
  application: ApplicationRow,
  name: string,
): Promise<DeploymentGroupRow> {
  const row = await db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('application_id', '=', application.application_id)
    .where('deployment_group_name', '=', name)
    .executeTakeFirst();
  if (row === undefined) {
    throw new ApiError('DeploymentGroupDoesNotExistException', `No deployment group found for name: ${name}`);
  }
  return row;
}

async function groupInfo(db: StoreReader, application: ApplicationRow, row: DeploymentGroupRow): Promise<GroupInfo> {
  const settings = JSON.parse(row.settings_json) as GroupSettings;
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
    computePlatform: 'Server',
    ec2TagFilters: [],
    onPremisesInstanceTagFilters: [],
    triggerConfigurations: [],
    outdatedInstancesStrategy: 'IGNORE',
    terminationHookEnabled: false,
    ...(settings as Partial<GroupInfo>),
    // Given as names, shown as objects.
    autoScalingGroups: ((settings.autoScalingGroups ?? []) as string[]).map((name) => ({ name })),
    deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
    ...(row.target_revision_json === null ? {} : { targetRevision: JSON.parse(row.target_revision_json) }),
    ...(lastSuccessfulDeployment === undefined ? {} : { lastSuccessfulDeployment }),
    ...(lastAttemptedDeployment === undefined ? {} : { lastAttemptedDeployment }),
  } as GroupInfo;
}

function readRole(input: Input): string {
  const role = readText(input, 'serviceRoleArn');
  if (!role)
    throw new ApiError(
      'RoleRequiredException',
      'The serviceRoleArn is missing. This server keeps it and does nothing with it.',
    );
  if (!role.startsWith('arn:')) throw new ApiError('InvalidRoleException', `'${role}' is no ARN of a role.`);
  return role;
}

async function requireFreeName(db: StoreReader, application: ApplicationRow, name: string): Promise<void> {
  const taken = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_id')
    .where('application_id', '=', application.application_id)
    .where('deployment_group_name', '=', name)
    .executeTakeFirst();
  if (taken !== undefined) {
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
    const config = readOptionalName(input, 'deploymentConfigName', CONFIG) ?? DEFAULT_CONFIG;
    const serviceRoleArn = readRole(input);
    const settings = readGroupSettings(input);
    const tags = readTags(input, 'tags');
    const deploymentGroupId = ctx.random.uuid();
    await ctx.store.transaction(async (tx) => {
      const application = await findApplication(tx, applicationName);
      await requireFreeName(tx, application, name);
      await findDeploymentConfig(tx, config);
      await tx
        .insertInto('deployment_groups')
        .values({
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
        })
        .execute();
      await putTags(tx, resourceArn(ctx, `deploymentgroup:${applicationName}/${name}`), tags);
    });
    return { deploymentGroupId };
  },

  async GetDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'deploymentGroupName', GROUP);
    const application = await findApplication(ctx.store.db, applicationName);
    const row = await findDeploymentGroup(ctx.store.db, application, name);
    return { deploymentGroupInfo: await groupInfo(ctx.store.db, application, row) };
  },

  async BatchGetDeploymentGroups(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const names = readNames(input, 'deploymentGroupNames', GROUP, MAX_BATCH);
    const application = await findApplication(ctx.store.db, applicationName);
    const rows = await ctx.store.db
      .selectFrom('deployment_groups')
      .selectAll()
      .where('application_id', '=', application.application_id)
      .where('deployment_group_name', 'in', names)
      .execute();
    const missing = names.filter((name) => !rows.some((row) => row.deployment_group_name === name));
    return {
      deploymentGroupsInfo: await Promise.all(rows.map((row) => groupInfo(ctx.store.db, application, row))),
      errorMessage: missing.length === 0 ? '' : `No deployment groups found for names: ${missing.join(', ')}`,
    };
  },

  async ListDeploymentGroups(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const token = readPageToken(ctx, 'ListDeploymentGroups', input);
    const application = await findApplication(ctx.store.db, applicationName);
    const found = await ctx.store.db
      .selectFrom('deployment_groups')
      .select('deployment_group_name')
      .where('application_id', '=', application.application_id)
      .where('deployment_group_name', '>', token.after)
      .orderBy('deployment_group_name')
      .limit(PAGE_SIZE + 1)
      .execute();
    const { rows, ...rest } = toPage(found, token, (row) => row.deployment_group_name);
    return { applicationName, deploymentGroups: rows.map((row) => row.deployment_group_name), ...rest };
  },

  async UpdateDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'currentDeploymentGroupName', GROUP);
    const newName = readOptionalName(input, 'newDeploymentGroupName', GROUP) ?? name;
    const config = readOptionalName(input, 'deploymentConfigName', CONFIG);
    const role = readText(input, 'serviceRoleArn') === null ? null : readRole(input);
    await ctx.store.transaction(async (tx) => {
      const application = await findApplication(tx, applicationName);
      const row = await findDeploymentGroup(tx, application, name);
      const settings = readGroupSettings(input, JSON.parse(row.settings_json) as GroupSettings);
      if (newName !== name) await requireFreeName(tx, application, newName);
      if (config !== null) await findDeploymentConfig(tx, config);
      if (newName !== name) {
        const arnOf = (groupName: string) => resourceArn(ctx, `deploymentgroup:${applicationName}/${groupName}`);
        await moveTags(tx, arnOf(name), arnOf(newName));
      }
      // The id stays: what is installed on hosts is kept under it.
      await tx
        .updateTable('deployment_groups')
        .set({
          deployment_group_name: newName,
          deployment_config_name: config ?? row.deployment_config_name,
          service_role_arn: role ?? row.service_role_arn,
          settings_json: JSON.stringify(settings),
        })
        .where('deployment_group_id', '=', row.deployment_group_id)
        .execute();
    });
    return { hooksNotCleanedUp: [] };
  },

  async DeleteDeploymentGroup(ctx, input) {
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const name = readName(input, 'deploymentGroupName', GROUP);
    await ctx.store.transaction(async (tx) => {
      await tx
        .deleteFrom('deployment_groups')
        .where('deployment_group_name', '=', name)
        .where('application_id', 'in', (eb) =>
          eb.selectFrom('applications').select('application_id').where('application_name', '=', applicationName),
        )
        .execute();
      await moveTags(tx, resourceArn(ctx, `deploymentgroup:${applicationName}/${name}`), null);
    });
    return { hooksNotCleanedUp: [] };
  },
};
