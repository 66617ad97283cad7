/**
 * The deployment configurations that CodeDeploy brings along. None can be changed or deleted. Pure.
 */
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { MinimumHealthyHosts } from '../engine/hosts/health.ts';
import type { TrafficRouting } from '../engine/shifting/schedule.ts';
import { seconds } from './context.ts';

type ConfigInfo = NonNullable<ManagementOperations['GetDeploymentConfig']['output']['deploymentConfigInfo']>;

interface HostConfig {
  readonly platform: 'Server';
  readonly name: string;
  readonly minimum: MinimumHealthyHosts;
}

interface TrafficConfig {
  readonly platform: 'Lambda' | 'ECS';
  readonly name: string;
  readonly routing: TrafficRouting;
}

export type PredefinedConfig = HostConfig | TrafficConfig;

export const PREDEFINED_PREFIX = 'CodeDeployDefault.';

const ALL_AT_ONCE: TrafficRouting = { type: 'AllAtOnce' };

/** Ids follow from the order: new ones come last. `MOST_CONCURRENCY` is a type that nobody else can use. */
export const PREDEFINED_CONFIGS: readonly PredefinedConfig[] = [
  host('OneAtATime', { type: 'MOST_CONCURRENCY', value: 1 }),
  host('HalfAtATime', { type: 'FLEET_PERCENT', value: 50 }),
  host('AllAtOnce', { type: 'FLEET_PERCENT', value: 0 }),
  traffic('Lambda', 'Canary10Percent5Minutes', canary(5)),
  traffic('Lambda', 'Canary10Percent10Minutes', canary(10)),
  traffic('Lambda', 'Canary10Percent15Minutes', canary(15)),
  traffic('Lambda', 'Canary10Percent30Minutes', canary(30)),
  traffic('Lambda', 'Linear10PercentEvery1Minute', linear(1)),
  traffic('Lambda', 'Linear10PercentEvery2Minutes', linear(2)),
  traffic('Lambda', 'Linear10PercentEvery3Minutes', linear(3)),
  traffic('Lambda', 'Linear10PercentEvery10Minutes', linear(10)),
  traffic('Lambda', 'AllAtOnce', ALL_AT_ONCE),
  traffic('ECS', 'Linear10PercentEvery1Minutes', linear(1)),
  traffic('ECS', 'Linear10PercentEvery3Minutes', linear(3)),
  traffic('ECS', 'Canary10Percent5Minutes', canary(5)),
  traffic('ECS', 'Canary10Percent15Minutes', canary(15)),
  traffic('ECS', 'AllAtOnce', ALL_AT_ONCE),
];

/** The days on which CodeDeploy began to serve each platform; when the hosted service made its own records is not published. */
const CREATED_AT_MS = {
  Server: Date.UTC(2014, 10, 12),
  Lambda: Date.UTC(2017, 10, 28),
  ECS: Date.UTC(2018, 10, 27),
};

function host(name: string, minimum: MinimumHealthyHosts): HostConfig {
  return { platform: 'Server', name: `${PREDEFINED_PREFIX}${name}`, minimum };
}

function traffic(platform: TrafficConfig['platform'], name: string, routing: TrafficRouting): TrafficConfig {
  return { platform, name: `${PREDEFINED_PREFIX}${platform}${name}`, routing };
}

/** @param minutes between the first tenth of the traffic and the rest */
function canary(minutes: number): TrafficRouting {
  return { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: minutes } };
}

/** @param minutes between one tenth of the traffic and the next */
function linear(minutes: number): TrafficRouting {
  return { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 10, linearInterval: minutes } };
}

export function findPredefined(name: string): PredefinedConfig | null {
  return PREDEFINED_CONFIGS.find((config) => config.name === name) ?? null;
}

export function predefinedInfo(config: PredefinedConfig): ConfigInfo {
  const number = PREDEFINED_CONFIGS.indexOf(config) + 1;
  return {
    deploymentConfigId: `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`,
    deploymentConfigName: config.name,
    createTime: seconds(CREATED_AT_MS[config.platform]),
    computePlatform: config.platform,
    ...(config.platform === 'Server'
      ? // The model has no word for MOST_CONCURRENCY, but this is what the service answers.
        { minimumHealthyHosts: { type: config.minimum.type as 'HOST_COUNT', value: config.minimum.value } }
      : { trafficRoutingConfig: config.routing }),
  };
}
