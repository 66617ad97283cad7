import { type Command, InvalidArgumentError, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ManagementOperations } from '../../protocol/management/shapes.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';
import { parsePart, TRAFFIC_PLATFORMS, type TrafficOptions, trafficMembers } from '../traffic-options.ts';
import { isWanted, printLine, printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

const PREDEFINED = 'CodeDeployDefault.';

interface Options extends ConnectionOptions, ResultOptions {}

interface MinimumHealthyHosts {
  readonly type: 'HOST_COUNT' | 'FLEET_PERCENT';
  readonly value: number;
}

/** `2` → two hosts, `50%` → half of them. */
export function parseMinimumHealthy(text: string): MinimumHealthyHosts {
  const [, digits, percent] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError(`'${text}' is neither a count of hosts, as 2, nor 50%`);
  return { type: percent === '%' ? 'FLEET_PERCENT' : 'HOST_COUNT', value: Number(digits) };
}

/** `90` → ninety seconds. */
export function parseSeconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`'${text}' is no whole number of seconds, as 600`);
}

interface ZoneOptions {
  readonly zones?: boolean;
  readonly minHealthyPerZone?: MinimumHealthyHosts;
  readonly zoneWait?: number;
  readonly firstZoneWait?: number;
}

/** @returns null: hosts are deployed to whatever their zones are */
function zonalConfigOf(options: ZoneOptions): ConfigInfo['zonalConfig'] | null {
  const { zones, minHealthyPerZone, zoneWait, firstZoneWait } = options;
  if (zones !== true && (minHealthyPerZone ?? zoneWait ?? firstZoneWait) === undefined) return null;
  return {
    ...(firstZoneWait === undefined ? {} : { firstZoneMonitorDurationInSeconds: firstZoneWait }),
    ...(zoneWait === undefined ? {} : { monitorDurationInSeconds: zoneWait }),
    ...(minHealthyPerZone === undefined ? {} : { minimumHealthyHostsPerZone: minHealthyPerZone }),
  };
}

/** null: the configuration does not go from zone to zone. */
function renderZones({ zonalConfig }: ConfigInfo): string | null {
  if (zonalConfig === undefined) return null;
  const { minimumHealthyHostsPerZone: minimum, monitorDurationInSeconds: wait = 0 } = zonalConfig;
  const first = zonalConfig.firstZoneMonitorDurationInSeconds ?? wait;
  const waits = first === wait ? `${wait} s between zones` : `${first} s after the first zone, ${wait} s after others`;
  return `one after another, ${renderMinimum(minimum, '0%')} healthy in each, ${waits}`;
}

type ConfigInfo = NonNullable<ManagementOperations['GetDeploymentConfig']['output']['deploymentConfigInfo']>;

/** The predefined one that no client can make says how many may be in work at once. Those of Lambda and ECS have nothing to do with hosts. */
function renderMinimum(minimum: ConfigInfo['minimumHealthyHosts'], absent = '–'): string {
  if (minimum === undefined) return absent;
  const { type, value = 0 } = minimum;
  if (type === 'FLEET_PERCENT') return `${value}%`;
  return type === 'HOST_COUNT' ? `${value}` : `all but ${value}`;
}

/** How the traffic of Lambda and ECS is moved; null: not at all, the configuration is for hosts. */
function renderTraffic({ trafficRoutingConfig: routing }: ConfigInfo): string | null {
  const { timeBasedCanary: canary, timeBasedLinear: linear } = routing ?? {};
  if (canary !== undefined) return `${canary.canaryPercentage}%, the rest after ${canary.canaryInterval} min`;
  if (linear !== undefined) return `${linear.linearPercentage}% every ${linear.linearInterval} min`;
  return routing === undefined ? null : 'all at once';
}

interface CreateOptions extends Options, ZoneOptions, TrafficOptions {
  readonly minHealthy?: MinimumHealthyHosts;
}

/** Returns the members of the configuration that are for hosts, or for traffic. */
function courseOf(options: CreateOptions) {
  const { minHealthy } = options;
  const zonalConfig = zonalConfigOf(options);
  const traffic = trafficMembers(options, minHealthy !== undefined || zonalConfig !== null);
  if (traffic !== null) return traffic;
  if (minHealthy !== undefined) {
    return { minimumHealthyHosts: minHealthy, ...(zonalConfig === null ? {} : { zonalConfig }) };
  }
  throw new SlipwayError('CLI_BAD_ARGUMENT', 'neither --min-healthy nor --platform is given', {
    remedy: 'Add --min-healthy for a configuration for hosts, or --platform for one that shifts traffic.',
  });
}

export const addConfigsCommand: AddCommand = (program, ctx, conclude) => {
  const configs = program
    .command('configs')
    .description('deployment configurations: how many hosts of a group must stay healthy, or how traffic moves');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  withFlags(configs.command('list').description('list all deployment configurations')).action(
    async (options: Options) => {
      const { client } = connect(ctx, options);
      const names = await collectPages(
        (nextToken) => client.call('ListDeploymentConfigs', nextToken === undefined ? {} : { nextToken }),
        (page) => page.deploymentConfigsList,
      );
      const infos: ConfigInfo[] = [];
      for (const deploymentConfigName of names) {
        infos.push((await client.call('GetDeploymentConfig', { deploymentConfigName })).deploymentConfigInfo ?? {});
      }
      const rows = infos.map((info) => [
        info.deploymentConfigName ?? '',
        info.computePlatform ?? '',
        renderMinimum(info.minimumHealthyHosts),
      ]);
      printResult(ctx, options, infos, renderTable([['CONFIGURATION', 'PLATFORM', 'MINIMUM HEALTHY'], ...rows]));
    },
  );

  withFlags(configs.command('show').argument('<name>').description('show a deployment configuration')).action(
    async (deploymentConfigName: string, options: Options) => {
      const { client } = connect(ctx, options);
      const { deploymentConfigInfo: info = {} } = await client.call('GetDeploymentConfig', { deploymentConfigName });
      const traffic = renderTraffic(info);
      const zones = renderZones(info);
      const rows = [
        ['configuration', info.deploymentConfigName ?? ''],
        ['id', info.deploymentConfigId ?? ''],
        ['platform', info.computePlatform ?? ''],
        traffic === null ? ['minimum healthy', renderMinimum(info.minimumHealthyHosts)] : ['traffic', traffic],
        ...(zones === null ? [] : [['zones', zones]]),
        ['created (UTC)', deploymentConfigName.startsWith(PREDEFINED) ? 'predefined' : renderTime(info.createTime)],
      ];
      printResult(ctx, options, info, renderTable(rows));
    },
  );

  withFlags(configs.command('create').argument('<name>').description('create a deployment configuration'))
    .option(
      '--min-healthy <number>',
      'hosts that must stay healthy while others are deployed to: 2, or 50%; needed for hosts',
      parseMinimumHealthy,
    )
    .option('--zones', 'deploy to one zone after another, by the zone tag of the hosts')
    .option(
      '--min-healthy-per-zone <number>',
      'hosts of each zone that must stay healthy: 1, or 50%; implies --zones',
      parseMinimumHealthy,
    )
    .option('--zone-wait <seconds>', 'wait after each zone before the next one; implies --zones', parseSeconds)
    .option('--first-zone-wait <seconds>', 'the same after the first zone; implies --zones', parseSeconds)
    .addOption(
      new Option(
        '--platform <platform>',
        'the configuration moves traffic to functions or services, all at once if nothing more is said',
      ).choices(Object.keys(TRAFFIC_PLATFORMS)),
    )
    .option('--canary <percent/minutes>', 'so much of the traffic first, and the rest so much later: 10/5', parsePart)
    .option('--linear <percent/minutes>', 'so much of the traffic, and as much again each time: 10/1', parsePart)
    .action(async (deploymentConfigName: string, options: CreateOptions) => {
      const course = courseOf(options);
      const { client } = connect(ctx, options);
      const answer = await client.call('CreateDeploymentConfig', { deploymentConfigName, ...course });
      printLine(ctx, options, answer, `created deployment configuration ${deploymentConfigName}`);
    });

  withFlags(
    configs.command('delete').argument('<name>').description('delete a deployment configuration that no group uses'),
  )
    .option('--yes', 'do not ask')
    .action(async (deploymentConfigName: string, options: Options & { readonly yes?: boolean }) => {
      const { client } = connect(ctx, options);
      // The API takes the deletion of what is not there for done; a person has mistyped its name.
      await client.call('GetDeploymentConfig', { deploymentConfigName });
      if (!(await isWanted(ctx, options, `delete the deployment configuration ${deploymentConfigName}?`))) {
        return conclude('failed');
      }
      await client.call('DeleteDeploymentConfig', { deploymentConfigName });
      printLine(ctx, options, { deploymentConfigName }, `deleted deployment configuration ${deploymentConfigName}`);
    });
};
