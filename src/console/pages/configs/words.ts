/** What a deployment configuration does, in words. Pure. */
import type { ConfigInfo } from '../../api/configs.ts';

type Minimum = NonNullable<ConfigInfo['minimumHealthyHosts']>;

export function configText({ minimumHealthyHosts, zonalConfig, trafficRoutingConfig }: ConfigInfo): string {
  if (trafficRoutingConfig !== undefined) return trafficText(trafficRoutingConfig);
  const minimum = minimumText(minimumHealthyHosts);
  if (zonalConfig === undefined) return minimum;
  const { firstZoneMonitorDurationInSeconds: first, monitorDurationInSeconds: wait = 0 } = zonalConfig;
  const zones = [
    'from zone to zone',
    ...(zonalConfig.minimumHealthyHostsPerZone === undefined
      ? []
      : [`in each zone ${minimumText(zonalConfig.minimumHealthyHostsPerZone)}`]),
    `${wait} s of watching after each zone`,
    ...(first === undefined ? [] : [`${first} s after the first`]),
  ];
  return `${minimum}; ${zones.join(', ')}`;
}

function minimumText(minimum: Minimum | undefined): string {
  const { type, value = 0 } = minimum ?? {};
  // The model has no word for the type of CodeDeployDefault.OneAtATime.
  if ((type as string | undefined) === 'MOST_CONCURRENCY') return `${value} host at a time`;
  if (type === 'FLEET_PERCENT') return value === 0 ? 'all hosts at once' : `${value} % of the hosts stay healthy`;
  return `${value} ${value === 1 ? 'host stays' : 'hosts stay'} healthy`;
}

function trafficText({
  type,
  timeBasedCanary: canary,
  timeBasedLinear: linear,
}: NonNullable<ConfigInfo['trafficRoutingConfig']>) {
  if (type === 'TimeBasedCanary')
    return `${canary?.canaryPercentage} % of the traffic, and the rest after ${minutes(canary?.canaryInterval)}`;
  if (type === 'TimeBasedLinear')
    return `${linear?.linearPercentage} % of the traffic every ${minutes(linear?.linearInterval)}`;
  return 'all traffic at once';
}

function minutes(count: number | undefined): string {
  return count === 1 ? 'minute' : `${count} minutes`;
}
