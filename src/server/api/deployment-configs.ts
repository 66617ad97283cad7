import { ApiError } from '../../protocol/errors.ts';
import { deleteConfig, findConfig, insertConfig, listConfigNames, lockConfig } from '../store/deployment-configs.ts';
import { findUserOfConfig } from '../store/deployment-groups.ts';
import type { DeploymentConfigRow } from '../store/schema.ts';
import { readPlatform } from './compute-platform.ts';
import { customConfigInfo, presentConfig } from './configs-in-use.ts';
import type { Handlers, Input } from './context.ts';
import { CONFIG, quote, readName, readObject, readText } from './input.ts';
import { isEmpty } from './not-done.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { findPredefined, PREDEFINED_CONFIGS, PREDEFINED_PREFIX, predefinedInfo } from './predefined-configs.ts';
import { requireRoomForConfig } from './quotas.ts';
import { readTrafficRouting } from './settings/traffic-routing.ts';
import { readZonalConfig } from './settings/zonal-config.ts';

const MAX_PERCENT = 99;
/** Largest number that a column of the database holds; no fleet comes near it. */
const MAX_HOST_COUNT = 2 ** 31 - 1;

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

type Course = Pick<
  DeploymentConfigRow,
  'compute_platform' | 'minimum_type' | 'minimum_value' | 'zonal_json' | 'traffic_json'
>;

/** Reads the part of a configuration that is for hosts, or for traffic. */
function readCourse(input: Input): Course {
  const platform = readPlatform(input);
  if (platform !== 'Server') {
    refuseHostMembers(input, platform);
    const traffic = readTrafficRouting(input);
    const none = { minimum_type: null, minimum_value: null, zonal_json: null };
    return { compute_platform: platform, ...none, traffic_json: JSON.stringify(traffic) };
  }
  if (!isEmpty(input['trafficRoutingConfig'])) {
    throw new ApiError(
      'InvalidTrafficRoutingConfigurationException',
      'A trafficRoutingConfig is for Lambda and ECS: give the computePlatform, too. Hosts need minimumHealthyHosts.',
    );
  }
  const minimum = readMinimum(input);
  const zonal = readZonalConfig(input);
  return {
    compute_platform: platform,
    minimum_type: minimum.type,
    minimum_value: minimum.value,
    zonal_json: zonal === null ? null : JSON.stringify(zonal),
    traffic_json: null,
  };
}

/** @throws ApiError InvalidMinimumHealthyHostValueException, InvalidZonalDeploymentConfigurationException */
function refuseHostMembers(input: Input, platform: string): void {
  if (readObject(input, 'minimumHealthyHosts') !== null) {
    throw new ApiError(
      'InvalidMinimumHealthyHostValueException',
      `minimumHealthyHosts is for hosts; a configuration of ${platform} has trafficRoutingConfig. Leave it out.`,
    );
  }
  if (readObject(input, 'zonalConfig') === null) return;
  throw new ApiError(
    'InvalidZonalDeploymentConfigurationException',
    `zonalConfig is for hosts, and ${platform} has no zones to go through. Leave it out.`,
  );
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
    const course = readCourse(input);
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
        ...course,
        created_at_ms: ctx.clock.now(),
      });
    });
    return { deploymentConfigId };
  },

  async GetDeploymentConfig(ctx, input) {
    const name = readName(input, 'deploymentConfigName', CONFIG);
    const predefined = findPredefined(name);
    if (predefined !== null) return { deploymentConfigInfo: predefinedInfo(predefined) };
    return { deploymentConfigInfo: customConfigInfo(presentConfig(await findConfig(ctx.store.db, name), name)) };
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
