import { ApiError } from '../../protocol/errors.ts';
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
import { type Handlers, type Input, seconds } from './context.ts';
import { CONFIG, checkName, readName, readObject, readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

/** A deployment configuration, whether predefined or made here. */
export interface DeploymentConfig {
  readonly id: string;
  readonly name: string;
  readonly minimum: MinimumHealthyHosts;
  readonly createdAtMs: number;
}

/** All that hosts need. They cannot be changed or deleted; `MOST_CONCURRENCY` is a type that nobody else can use. */
const PREDEFINED: readonly DeploymentConfig[] = [
  predefined(1, 'OneAtATime', { type: 'MOST_CONCURRENCY', value: 1 }),
  predefined(2, 'HalfAtATime', { type: 'FLEET_PERCENT', value: 50 }),
  predefined(3, 'AllAtOnce', { type: 'FLEET_PERCENT', value: 0 }),
];

const PREDEFINED_PREFIX = 'CodeDeployDefault.';
export const DEFAULT_CONFIG = `${PREDEFINED_PREFIX}OneAtATime`;
const MAX_PERCENT = 99;
/** What a column of the database holds; no fleet comes near it. */
const MAX_HOST_COUNT = 2 ** 31 - 1;

function predefined(number: number, name: string, minimum: MinimumHealthyHosts): DeploymentConfig {
  return {
    id: `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`,
    name: `CodeDeployDefault.${name}`,
    minimum,
    createdAtMs: 0,
  };
}

/** @throws ApiError DeploymentConfigDoesNotExistException */
export async function requireConfig(db: StoreReader, name: string): Promise<DeploymentConfig> {
  return predefinedConfig(name) ?? customConfig(await findConfig(db, name), name);
}

/** For a transaction that has a group use the configuration. @throws ApiError DeploymentConfigDoesNotExistException */
export async function requireHeldConfig(tx: StoreTransaction, name: string): Promise<DeploymentConfig> {
  return predefinedConfig(name) ?? customConfig(await holdConfig(tx, name), name);
}

function predefinedConfig(name: string): DeploymentConfig | undefined {
  return PREDEFINED.find((config) => config.name === name);
}

function customConfig(row: DeploymentConfigRow | null, name: string): DeploymentConfig {
  if (row === null) {
    throw new ApiError('DeploymentConfigDoesNotExistException', `No deployment configuration found for name: ${name}`);
  }
  return {
    id: row.deployment_config_id,
    name,
    minimum: { type: row.minimum_type, value: row.minimum_value },
    createdAtMs: row.created_at_ms,
  };
}

function readMinimum(input: Input): { type: 'HOST_COUNT' | 'FLEET_PERCENT'; value: number } {
  const invalid = (why: string) => new ApiError('InvalidMinimumHealthyHostValueException', why);
  const minimum = readObject(input, 'minimumHealthyHosts');
  if (minimum === null) throw invalid('minimumHealthyHosts is missing.');
  const type = readText(minimum, 'type');
  const { value } = minimum;
  if (type !== 'HOST_COUNT' && type !== 'FLEET_PERCENT')
    throw invalid(`minimumHealthyHosts.type must be HOST_COUNT or FLEET_PERCENT, but is '${type}'.`);
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
        `Names that begin with ${PREDEFINED_PREFIX} are taken.`,
      );
    }
    const platform = readText(input, 'computePlatform');
    if (platform !== null && platform !== 'Server') {
      throw new ApiError(
        'InvalidComputePlatformException',
        `This server deploys to hosts (computePlatform Server), not to ${platform}.`,
      );
    }
    const minimum = readMinimum(input);
    const deploymentConfigId = ctx.random.uuid();
    await ctx.store.transaction(async (tx) => {
      if ((await findConfig(tx, name)) !== null) {
        throw new ApiError(
          'DeploymentConfigAlreadyExistsException',
          `A deployment configuration with the name ${name} exists already.`,
        );
      }
      await insertConfig(tx, {
        deployment_config_id: deploymentConfigId,
        deployment_config_name: name,
        compute_platform: 'Server',
        minimum_type: minimum.type,
        minimum_value: minimum.value,
        created_at_ms: ctx.clock.now(),
      });
    });
    return { deploymentConfigId };
  },

  async GetDeploymentConfig(ctx, input) {
    const config = await requireConfig(ctx.store.db, readName(input, 'deploymentConfigName', CONFIG));
    return {
      deploymentConfigInfo: {
        deploymentConfigId: config.id,
        deploymentConfigName: config.name,
        // The model has no word for MOST_CONCURRENCY, but this is what the service answers.
        minimumHealthyHosts: { type: config.minimum.type as 'HOST_COUNT', value: config.minimum.value },
        createTime: seconds(config.createdAtMs),
        computePlatform: 'Server',
      },
    };
  },

  async ListDeploymentConfigs(ctx, input) {
    const token = readPageToken(ctx, 'ListDeploymentConfigs', input);
    const predefined = PREDEFINED.map(({ name }) => name).filter((name) => name > token.after);
    const custom = await listConfigNames(ctx.store.db, token.after, PAGE_SIZE + 1);
    const following = [...predefined, ...custom].sort().slice(0, PAGE_SIZE + 1);
    const { rows: deploymentConfigsList, ...rest } = toPage(following, token, (name) => name);
    return { deploymentConfigsList, ...rest };
  },

  async DeleteDeploymentConfig(ctx, input) {
    const name = checkName(readName(input, 'deploymentConfigName', CONFIG), CONFIG);
    if (name.startsWith(PREDEFINED_PREFIX)) {
      throw new ApiError('InvalidOperationException', `${name} is predefined and cannot be deleted.`);
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
