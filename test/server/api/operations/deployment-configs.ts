/** Rows of the table: deployment configurations. */
import { HOSTS_ONLY, LONG_NAME, NO_PAGE, type Operations } from './operation.ts';

const NO_NAME = {
  DeploymentConfigNameRequiredException: [{ deploymentConfigName: null }, { deploymentConfigName: '' }],
  InvalidDeploymentConfigNameException: [{ deploymentConfigName: 'a b' }, { deploymentConfigName: LONG_NAME }],
} as const;

export const DEPLOYMENT_CONFIGS: Operations<
  'CreateDeploymentConfig' | 'GetDeploymentConfig' | 'ListDeploymentConfigs' | 'DeleteDeploymentConfig'
> = {
  CreateDeploymentConfig: {
    does: 'makes a configuration for deployments to hosts; with `zonalConfig` they go from zone to zone, by a tag of the hosts',
    refuses: '`computePlatform` Lambda and ECS and `trafficRoutingConfig`: deployments go to hosts',
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
      ].map((minimumHealthyHosts) => ({ minimumHealthyHosts })),
      InvalidComputePlatformException: ['Lambda', 'ECS', 'Hosts'].map((computePlatform) => ({ computePlatform })),
      InvalidTrafficRoutingConfigurationException: { trafficRoutingConfig: { type: 'AllAtOnce' } },
      InvalidZonalDeploymentConfigurationException: [
        { monitorDurationInSeconds: -1 },
        { monitorDurationInSeconds: 0.5 },
        { firstZoneMonitorDurationInSeconds: 43_201 },
        { minimumHealthyHostsPerZone: { type: 'FLEET_PERCENT', value: 100 } },
        { minimumHealthyHostsPerZone: { type: 'MOST_CONCURRENCY', value: 1 } },
        { minimumHealthyHostsPerZone: { type: 'HOST_COUNT' } },
        { minimumHealthyHostsPerZone: { value: 1 } },
      ].map((zonalConfig) => ({ zonalConfig })),
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
    never: { InvalidComputePlatformException: HOSTS_ONLY },
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
