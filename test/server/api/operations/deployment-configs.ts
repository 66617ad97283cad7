/** Rows of the table: deployment configurations. */
import { LONG_NAME, type Members, NO_PAGE, type Operations } from './operation.ts';

const NO_NAME = {
  DeploymentConfigNameRequiredException: [{ deploymentConfigName: null }, { deploymentConfigName: '' }],
  InvalidDeploymentConfigNameException: [{ deploymentConfigName: 'a b' }, { deploymentConfigName: LONG_NAME }],
} as const;

/** A configuration of traffic says nothing of hosts. */
const OF_TRAFFIC = { computePlatform: 'ECS', minimumHealthyHosts: null };
const CANARY = { canaryPercentage: 10, canaryInterval: 5 };
const LINEAR = { linearPercentage: 10, linearInterval: 1 };
const WRONG_TRAFFIC: readonly unknown[] = [
  ...[null, {}, { type: 'Canary' }, { type: 'TimeBasedCanary' }, { type: 'TimeBasedLinear', timeBasedCanary: CANARY }],
  { type: 'AllAtOnce', timeBasedLinear: LINEAR },
  { type: 'TimeBasedCanary', timeBasedCanary: CANARY, timeBasedLinear: LINEAR },
  ...[0, 100, 0.5, null].map((percent) => {
    return { type: 'TimeBasedCanary', timeBasedCanary: { ...CANARY, canaryPercentage: percent } };
  }),
  ...[0, 2881, 1.5, null].map((minutes) => {
    return { type: 'TimeBasedLinear', timeBasedLinear: { ...LINEAR, linearInterval: minutes } };
  }),
  // 99 intervals of half an hour are more than two days.
  { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 1, linearInterval: 30 } },
];

export const DEPLOYMENT_CONFIGS: Operations<
  'CreateDeploymentConfig' | 'GetDeploymentConfig' | 'ListDeploymentConfigs' | 'DeleteDeploymentConfig'
> = {
  CreateDeploymentConfig: {
    does: 'makes a configuration for deployments to hosts, where with `zonalConfig` they go from zone to zone by a tag of the hosts, or of traffic for Lambda or ECS',
    refuses: null,
    good: { deploymentConfigName: 'most', minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 75 } },
    refused: {
      ...NO_NAME,
      InvalidDeploymentConfigNameException: [
        ...NO_NAME.InvalidDeploymentConfigNameException,
        { deploymentConfigName: 'CodeDeployDefault.OneAtATime' },
        { deploymentConfigName: 'CodeDeployDefault.Mine' },
      ],
      DeploymentConfigAlreadyExistsException: { deploymentConfigName: 'used' },
      InvalidMinimumHealthyHostValueException: [
        null,
        { type: 'MOST_CONCURRENCY', value: 1 },
        { type: 'HOST_COUNT', value: -1 },
        { type: 'HOST_COUNT', value: 1.5 },
        { type: 'HOST_COUNT', value: 2 ** 31 },
        { type: 'FLEET_PERCENT', value: 100 },
        { type: 'FLEET_PERCENT' },
      ]
        .map((minimumHealthyHosts): Members => ({ minimumHealthyHosts }))
        .concat({ computePlatform: 'Lambda', trafficRoutingConfig: { type: 'AllAtOnce' } }),
      InvalidComputePlatformException: ['lambda', 'Hosts', ''].map((computePlatform) => ({ computePlatform })),
      InvalidTrafficRoutingConfigurationException: [
        { trafficRoutingConfig: { type: 'AllAtOnce' } },
        ...WRONG_TRAFFIC.map((trafficRoutingConfig) => ({ ...OF_TRAFFIC, trafficRoutingConfig })),
      ],
      InvalidZonalDeploymentConfigurationException: [
        { monitorDurationInSeconds: -1 },
        { monitorDurationInSeconds: 0.5 },
        { firstZoneMonitorDurationInSeconds: 43_201 },
        { minimumHealthyHostsPerZone: { type: 'FLEET_PERCENT', value: 100 } },
        { minimumHealthyHostsPerZone: { type: 'MOST_CONCURRENCY', value: 1 } },
        { minimumHealthyHostsPerZone: { type: 'HOST_COUNT' } },
        { minimumHealthyHostsPerZone: { value: 1 } },
      ]
        .map((zonalConfig): Members => ({ zonalConfig }))
        .concat({ ...OF_TRAFFIC, trafficRoutingConfig: { type: 'AllAtOnce' }, zonalConfig: {} }),
    },
    full: ['DeploymentConfigLimitExceededException'],
    never: {},
  },
  GetDeploymentConfig: {
    does: 'shows a configuration, also a predefined one of Lambda or ECS',
    refuses: null,
    good: { deploymentConfigName: 'CodeDeployDefault.ECSLinear10PercentEvery1Minutes' },
    refused: {
      ...NO_NAME,
      DeploymentConfigDoesNotExistException: [
        { deploymentConfigName: 'nobody' },
        { deploymentConfigName: 'CodeDeployDefault.LambdaLinear10PercentEvery1Minutes' },
      ],
    },
    never: { InvalidComputePlatformException: 'It takes no platform.' },
  },
  ListDeploymentConfigs: {
    does: 'lists the names of configurations, 100 a page, predefined ones of all platforms included',
    refuses: null,
    good: {},
    refused: NO_PAGE,
    never: {},
  },
  DeleteDeploymentConfig: {
    does: 'deletes a configuration that no group uses, or does nothing if there is none',
    refuses: null,
    good: { deploymentConfigName: 'most' },
    refused: {
      ...NO_NAME,
      DeploymentConfigInUseException: { deploymentConfigName: 'used' },
      InvalidOperationException: [
        { deploymentConfigName: 'CodeDeployDefault.AllAtOnce' },
        { deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce' },
      ],
    },
    never: {},
  },
};
