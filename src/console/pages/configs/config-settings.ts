/** A new deployment configuration as its form has it, and the request that it becomes. Pure. */
import type { CodeDeployOperations } from '../../../protocol/management/shapes.ts';
import { numberOf } from '../../form/number.ts';

type CreateInput = CodeDeployOperations['CreateDeploymentConfig']['input'];
type MinimumType = 'HOST_COUNT' | 'FLEET_PERCENT';

/** Numbers are as they were typed; an empty text stands for a setting that is left out. */
export interface ConfigSettings {
  readonly name: string;
  readonly platform: 'Server' | 'Lambda' | 'ECS';
  readonly minimumType: MinimumType;
  readonly minimum: string;
  readonly isZonal: boolean;
  readonly zoneMinimumType: MinimumType;
  readonly zoneMinimum: string;
  readonly firstWatchSeconds: string;
  readonly watchSeconds: string;
  readonly traffic: 'AllAtOnce' | 'TimeBasedCanary' | 'TimeBasedLinear';
  readonly percentage: string;
  readonly minutes: string;
}

export const FRESH_CONFIG: ConfigSettings = {
  ...{ name: '', platform: 'Server', minimumType: 'FLEET_PERCENT', minimum: '75' },
  ...{ isZonal: false, zoneMinimumType: 'FLEET_PERCENT', zoneMinimum: '', firstWatchSeconds: '', watchSeconds: '' },
  ...{ traffic: 'TimeBasedCanary', percentage: '10', minutes: '5' },
};

export function requestOf(settings: ConfigSettings): CreateInput {
  const { name, platform, minimumType, minimum } = settings;
  return {
    deploymentConfigName: name,
    computePlatform: platform,
    ...(platform === 'Server'
      ? {
          minimumHealthyHosts: { type: minimumType, value: numberOf(minimum) },
          ...(settings.isZonal && { zonalConfig: zonesOf(settings) }),
        }
      : { trafficRoutingConfig: routingOf(settings) }),
  };
}

function zonesOf(settings: ConfigSettings): NonNullable<CreateInput['zonalConfig']> {
  const { zoneMinimumType: type, zoneMinimum, firstWatchSeconds, watchSeconds } = settings;
  return {
    ...(watchSeconds !== '' && { monitorDurationInSeconds: numberOf(watchSeconds) }),
    ...(firstWatchSeconds !== '' && { firstZoneMonitorDurationInSeconds: numberOf(firstWatchSeconds) }),
    ...(zoneMinimum !== '' && { minimumHealthyHostsPerZone: { type, value: numberOf(zoneMinimum) } }),
  };
}

function routingOf({
  traffic: type,
  percentage,
  minutes,
}: ConfigSettings): NonNullable<CreateInput['trafficRoutingConfig']> {
  const [percent, interval] = [numberOf(percentage), numberOf(minutes)];
  switch (type) {
    case 'AllAtOnce':
      return { type };
    case 'TimeBasedCanary':
      return { type, timeBasedCanary: { canaryPercentage: percent, canaryInterval: interval } };
    case 'TimeBasedLinear':
      return { type, timeBasedLinear: { linearPercentage: percent, linearInterval: interval } };
  }
}
