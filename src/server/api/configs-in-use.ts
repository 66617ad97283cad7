/** Deployment configurations as groups and deployments go by them, whether predefined or made here. */
import { ApiError } from '../../protocol/errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { MinimumHealthyHosts } from '../engine/hosts/health.ts';
import type { TrafficRouting } from '../engine/shifting/schedule.ts';
import { findConfig, holdConfig } from '../store/deployment-configs.ts';
import type { DeploymentConfigRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import type { Platform } from './compute-platform.ts';
import { seconds } from './context.ts';
import { findPredefined, type PredefinedConfig } from './predefined-configs.ts';
import type { ZonalConfig } from './settings/zonal-config.ts';

type ConfigInfo = NonNullable<ManagementOperations['GetDeploymentConfig']['output']['deploymentConfigInfo']>;

/** A configuration by which hosts are deployed to. */
export interface HostConfig {
  readonly platform: 'Server';
  readonly name: string;
  readonly minimum: MinimumHealthyHosts;
  /** null: it does not go from zone to zone. */
  readonly zonal: ZonalConfig | null;
}

/** A configuration by which traffic moves to a function or a service. */
export interface TrafficConfig {
  readonly platform: 'Lambda' | 'ECS';
  readonly name: string;
  readonly routing: TrafficRouting;
}

export type DeploymentConfig = HostConfig | TrafficConfig;

/** @throws ApiError DeploymentConfigDoesNotExistException, InvalidDeploymentConfigNameException for one of another platform */
export async function requireHostConfig(db: StoreReader, name: string): Promise<HostConfig> {
  const config = await requireConfig(name, 'Server', () => findConfig(db, name));
  return config as HostConfig;
}

/** For a transaction that has a group use the configuration. @throws ApiError as `requireHostConfig` does */
export async function requireHeldConfig(
  tx: StoreTransaction,
  name: string,
  platform: Platform,
): Promise<DeploymentConfig> {
  return requireConfig(name, platform, () => holdConfig(tx, name));
}

/** @throws ApiError as `requireHostConfig` does */
export async function requireTrafficConfig(
  db: StoreReader,
  name: string,
  platform: TrafficConfig['platform'],
): Promise<TrafficConfig> {
  const config = await requireConfig(name, platform, () => findConfig(db, name));
  return config as TrafficConfig;
}

async function requireConfig(
  name: string,
  platform: Platform,
  find: () => Promise<DeploymentConfigRow | null>,
): Promise<DeploymentConfig> {
  const predefined = findPredefined(name);
  const config = predefined === null ? configOf(presentConfig(await find(), name)) : predefinedConfig(predefined);
  if (config.platform === platform) return config;
  throw new ApiError(
    'InvalidDeploymentConfigNameException',
    `deploymentConfigName ${name} is for ${config.platform}, and the application deploys to ${platform}.`,
  );
}

function predefinedConfig(config: PredefinedConfig): DeploymentConfig {
  return config.platform === 'Server' ? { ...config, zonal: null } : config;
}

/** @throws ApiError DeploymentConfigDoesNotExistException for null */
export function presentConfig(row: DeploymentConfigRow | null, name: string): DeploymentConfigRow {
  if (row !== null) return row;
  throw new ApiError('DeploymentConfigDoesNotExistException', `No deployment configuration found for name: ${name}`);
}

function configOf(row: DeploymentConfigRow): DeploymentConfig {
  const { deployment_config_name: name, compute_platform: platform, traffic_json, zonal_json } = row;
  if (platform !== 'Server') return { platform, name, routing: JSON.parse(traffic_json ?? '') as TrafficRouting };
  const zonal = zonal_json === null ? null : (JSON.parse(zonal_json) as ZonalConfig);
  return { platform, name, minimum: minimumOf(row), zonal };
}

function minimumOf({ minimum_type, minimum_value }: DeploymentConfigRow): MinimumHealthyHosts {
  return { type: minimum_type ?? 'HOST_COUNT', value: minimum_value ?? 0 };
}

export function customConfigInfo(row: DeploymentConfigRow): ConfigInfo {
  const config = configOf(row);
  return {
    deploymentConfigId: row.deployment_config_id,
    deploymentConfigName: row.deployment_config_name,
    createTime: seconds(row.created_at_ms),
    computePlatform: config.platform,
    ...(config.platform === 'Server' ? hostMembers(config) : { trafficRoutingConfig: config.routing }),
  };
}

function hostMembers({ minimum: { type, value }, zonal }: HostConfig): Partial<ConfigInfo> {
  return {
    minimumHealthyHosts: { type: type as 'HOST_COUNT', value },
    ...(zonal === null ? {} : { zonalConfig: zonal }),
  };
}
