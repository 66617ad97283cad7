import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { MinimumHealthyHosts } from '../engine/hosts/health.ts';
import {
  deleteConfig,
  findConfig,
  holdConfig,
  insertConfig,
  listConfigNames,
  lockConfig,
} from '../store/deployment-configs.ts';
import { findUserOfConfig } from '../store/deployment-groups.ts';
import type { DeploymentConfigRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import { requireHostPlatform } from './compute-platform.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { CONFIG, quote, readName, readObject, readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { findPredefined, PREDEFINED_CONFIGS, PREDEFINED_PREFIX, predefinedInfo } from './predefined-configs.ts';
import { requireRoomForConfig } from './quotas.ts';
import { readZonalConfig, type ZonalConfig } from './settings/zonal-config.ts';

const MAX_PERCENT = 99;
/** What a column of the database holds; no fleet comes near it. */
const MAX_HOST_COUNT = 2 ** 31 - 1;

type ConfigInfo = NonNullable<ManagementOperations['GetDeploymentConfig']['output']['deploymentConfigInfo']>;

/** A configuration by which hosts are deployed to, whether predefined or made here. */
export interface HostConfig {
  readonly name: string;
  readonly minimum: MinimumHealthyHosts;
  /** null: it does not go from zone to zone. */
  readonly zonal: ZonalConfig | null;
}

/** @throws ApiError DeploymentConfigDoesNotExistException, InvalidDeploymentConfigNameException for one of Lambda or ECS */
export async function requireHostConfig(db: StoreReader, name: string): Promise<HostConfig> {
  return predefinedHostConfig(name) ?? customConfig(await findConfig(db, name), name);
}

/** For a transaction that has a group use the configuration. @throws ApiError as `requireHostConfig` does */
export async function requireHeldConfig(tx: StoreTransaction, name: string): Promise<HostConfig> {
  return predefinedHostConfig(name) ?? customConfig(await holdConfig(tx, name), name);
}

function predefinedHostConfig(name: string): HostConfig | null {
  const config = findPredefined(name);
  if (config === null) return null;
  if (config.platform === 'Server') return { ...config, zonal: null };
  throw new ApiError(
    'InvalidDeploymentConfigNameException',
    `deploymentConfigName ${name} is for ${config.platform}; this server deploys to hosts.`,
  );
}

function customConfig(row: DeploymentConfigRow | null, name: string): HostConfig {
  const found = present(row, name);
  return { name, minimum: minimumOf(found), zonal: zonalOf(found) };
}

function present(row: DeploymentConfigRow | null, name: string): DeploymentConfigRow {
  if (row !== null) return row;
  throw new ApiError('DeploymentConfigDoesNotExistException', `No deployment configuration found for name: ${name}`);
}

function minimumOf(row: DeploymentConfigRow): MinimumHealthyHosts {
  return { type: row.minimum_type, value: row.minimum_value };
}

function zonalOf({ zonal_json }: DeploymentConfigRow): ZonalConfig | null {
  return zonal_json === null ? null : (JSON.parse(zonal_json) as ZonalConfig);
}

function customConfigInfo(row: DeploymentConfigRow): ConfigInfo {
  const { type, value } = minimumOf(row);
  const zonalConfig = zonalOf(row);
  return {
    deploymentConfigId: row.deployment_config_id,
    deploymentConfigName: row.deployment_config_name,
    minimumHealthyHosts: { type: type as 'HOST_COUNT', value },
    createTime: seconds(row.created_at_ms),
    computePlatform: 'Server',
    ...(zonalConfig === null ? {} : { zonalConfig }),
  };
}

function readMinimum(input: Input): { type: 'HOST_COUNT' | 'FLEET_PERCENT'; value: number } {
  const invalid = (why: string) => new ApiError('InvalidMinimumHealthyHostValueException', why);
  const minimum = readObject(input, 'minimumHealthyHosts');
  if (minimum === null) throw invalid('minimumHealthyHosts is missing.');
  const type = readText(minimum, 'type');
  const { value } = minimum;
  if (type !== 'HOST_COUNT' && type !== 'FLEET_PERCENT')
    throw invalid(`minimumHealthyHosts.type must be HOST_COUNT or FLEET_PERCENT, but is ${quote(type ?? '')}.`);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw invalid('minimumHealthyHosts.value must be a whole number from 0 on.');
  }
  if (value > MAX_HOST_COUNT) throw invalid(`minimumHealthyHosts.value is at most ${MAX_HOST_COUNT}, but is ${value}.`);
  if (type === 'FLEET_PERCENT' && value > MAX_PERCENT)
    throw invalid(`minimumHealthyHosts.value is a percentage of at most ${MAX_PERCENT}, but is ${value}.`);
  return { type, value };
}

export const deploymentConfigHandlers: Handlers<
  'CreateDeploymentConfig' | 'GetDeploymentConfig' | 'ListDeploymentConfigs' | 'DeleteDeploymentConfig'
> = {
  async CreateDeploymentConfig(ctx, input) {
    const name = readName(input, 'deploymentConfigName', CONFIG);
    if (name.startsWith(PREDEFINED_PREFIX)) {
      throw new ApiError(
        'InvalidDeploymentConfigNameException',
        `deploymentConfigName ${quote(name)} begins with ${PREDEFINED_PREFIX}, which is for predefined configurations.`,
      );
    }
    requireHostPlatform(input);
    const minimum = readMinimum(input);
    const zonal = readZonalConfig(input);
    const deploymentConfigId = ctx.random.uuid();
    await ctx.store.transaction(async (tx) => {
      if ((await findConfig(tx, name)) !== null) {
        throw new ApiError(
          'DeploymentConfigAlreadyExistsException',
          `A deployment configuration with the name ${name} exists already.`,
        );
      }
      await requireRoomForConfig(tx);
      await insertConfig(tx, {
        deployment_config_id: deploymentConfigId,
        deployment_config_name: name,
        compute_platform: 'Server',
        minimum_type: minimum.type,
        minimum_value: minimum.value,
        zonal_json: zonal === null ? null : JSON.stringify(zonal),
        created_at_ms: ctx.clock.now(),
      });
    });
    return { deploymentConfigId };
  },

  async GetDeploymentConfig(ctx, input) {
    const name = readName(input, 'deploymentConfigName', CONFIG);
    const predefined = findPredefined(name);
    if (predefined !== null) return { deploymentConfigInfo: predefinedInfo(predefined) };
    return { deploymentConfigInfo: customConfigInfo(present(await findConfig(ctx.store.db, name), name)) };
  },

  async ListDeploymentConfigs(ctx, input) {
    const token = readPageToken(ctx, 'ListDeploymentConfigs', input);
    const predefined = PREDEFINED_CONFIGS.map(({ name }) => name).filter((name) => name > token.after);
    const custom = await listConfigNames(ctx.store.db, token.after, PAGE_SIZE + 1);
    const following = [...predefined, ...custom].sort().slice(0, PAGE_SIZE + 1);
    const { rows: deploymentConfigsList, ...rest } = toPage(following, token, (name) => name);
    return { deploymentConfigsList, ...rest };
  },

  async DeleteDeploymentConfig(ctx, input) {
    const name = readName(input, 'deploymentConfigName', CONFIG);
    if (name.startsWith(PREDEFINED_PREFIX)) {
      throw new ApiError(
        'InvalidOperationException',
        `deploymentConfigName ${quote(name)} is predefined and cannot be deleted.`,
      );
    }
    await ctx.store.transaction(async (tx) => {
      if ((await lockConfig(tx, name)) === null) return;
      const user = await findUserOfConfig(tx, name);
      if (user !== null) {
        throw new ApiError('DeploymentConfigInUseException', `${name} is used by the deployment group ${user}.`);
      }
      await deleteConfig(tx, name);
    });
    return {};
  },
};
