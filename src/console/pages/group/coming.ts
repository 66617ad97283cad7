/** What a deployment to a group will do, in words, before it is made. Pure. */
import type { Output } from '../../api/call.ts';

export type GroupInfo = NonNullable<Output<'GetDeploymentGroup'>['deploymentGroupInfo']>;
export type ConfigInfo = NonNullable<Output<'GetDeploymentConfig'>['deploymentConfigInfo']>;

export interface Coming {
  readonly group: GroupInfo;
  readonly config: ConfigInfo;
  /** Hosts that the group's tags find now; null: they are not found by tags alone. */
  readonly hosts: number | null;
}

/** @returns a line for each thing that will happen, or that can hold it up */
export function comingLines({ group, config, hosts }: Coming): string[] {
  const { deploymentStyle: style, autoRollbackConfiguration: rollback, alarmConfiguration: alarms } = group;
  const isBlueGreen = style?.deploymentType === 'BLUE_GREEN';
  const names = (alarms?.enabled === true ? (alarms.alarms ?? []) : []).map(({ name }) => name);
  const balancers = balancersOf(group);
  const events = rollback?.enabled === true ? (rollback.events ?? []) : [];
  return [
    ...(config.computePlatform === 'Lambda' || config.computePlatform === 'ECS'
      ? [shiftLine(config)]
      : [hostsLine(hosts, isBlueGreen), paceLine(config, hosts)]),
    ...(style?.deploymentOption === 'WITH_TRAFFIC_CONTROL' && balancers.length > 0
      ? [trafficLine(isBlueGreen, balancers)]
      : []),
    names.length === 0
      ? 'No alarm can stop it.'
      : `It begins once ${listed(names)} ${names.length === 1 ? 'is' : 'are'} not active, and stops when ${names.length === 1 ? 'it becomes' : 'one becomes'} active.`,
    events.length === 0
      ? 'It is not rolled back by itself.'
      : `It is rolled back by itself after: ${listed(events.map((event) => EVENTS[event] ?? event))}.`,
  ];
}

const EVENTS: Readonly<Record<string, string>> = {
  DEPLOYMENT_FAILURE: 'a failure',
  DEPLOYMENT_STOP_ON_ALARM: 'an alarm',
  DEPLOYMENT_STOP_ON_REQUEST: 'a stop',
};

function hostsLine(hosts: number | null, isBlueGreen: boolean): string {
  if (isBlueGreen) return 'Replacement hosts get the revision, and then the traffic of the original ones.';
  if (hosts === null) return 'It goes to the hosts that the group has when it begins.';
  if (hosts === 0) return 'The group has no host now: without one the deployment fails.';
  return `It goes to the ${hosts === 1 ? 'one host' : `${hosts} hosts`} that the group’s tags find now.`;
}

function paceLine(
  { deploymentConfigName, minimumHealthyHosts: minimum, zonalConfig }: ConfigInfo,
  hosts: number | null,
) {
  const value = minimum?.value ?? 0;
  const zones = zonalConfig === undefined ? '' : ' One zone comes after the other.';
  const kept = minimum?.type === 'FLEET_PERCENT' ? `${value} % of the hosts` : count(value, 'host');
  if (hosts === null || hosts === 0) return `${deploymentConfigName} keeps ${kept} healthy all the time.${zones}`;
  const needed = minimum?.type === 'FLEET_PERCENT' ? Math.ceil((hosts * value) / 100) : value;
  // The last host is always tried: a group of one would never be deployed to otherwise.
  const atOnce = Math.max(1, hosts - needed);
  const waves = Math.ceil(hosts / atOnce);
  const when =
    waves === 1
      ? 'All of them at the same time.'
      : `At most ${count(atOnce, 'host')} at the same time, in some ${waves} waves.`;
  return `${when} ${deploymentConfigName} keeps ${kept} healthy.${zones}`;
}

function shiftLine({ deploymentConfigName, trafficRoutingConfig: routing }: ConfigInfo): string {
  const { timeBasedCanary: canary, timeBasedLinear: linear } = routing ?? {};
  if (canary !== undefined) {
    return `${deploymentConfigName} moves ${canary.canaryPercentage} % of the traffic at first, and the rest after ${count(canary.canaryInterval ?? 0, 'minute')}.`;
  }
  if (linear !== undefined) {
    return `${deploymentConfigName} moves ${linear.linearPercentage} % of the traffic every ${count(linear.linearInterval ?? 0, 'minute')}.`;
  }
  return `${deploymentConfigName ?? 'It'} moves all traffic at once.`;
}

function trafficLine(isBlueGreen: boolean, balancers: readonly string[]): string {
  return isBlueGreen
    ? `Traffic is rerouted at ${listed(balancers)}.`
    : `Each host leaves ${listed(balancers)} before, and comes back after it was installed.`;
}

function balancersOf({ loadBalancerInfo: info }: GroupInfo): string[] {
  return [...(info?.elbInfoList ?? []), ...(info?.targetGroupInfoList ?? [])].flatMap(({ name }) => name ?? []);
}

function listed(names: readonly (string | undefined)[]): string {
  return names.filter((name) => name !== undefined).join(', ');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
