/** Settings of a deployment group for blue/green deployments as flags, and what the API calls them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { parseCount } from './arguments.ts';

export interface BlueGreenOptions {
  readonly blueGreen?: boolean;
  /** Minutes. */
  readonly readyWait?: number | 'none';
  readonly original?: 'keep' | 'terminate';
  /** Minutes. */
  readonly terminationWait?: number;
  readonly replacement?: 'existing' | 'copy';
  /** Empty: none of this kind. */
  readonly loadBalancers?: readonly string[];
  /** Empty: none of this kind. */
  readonly classicLoadBalancers?: readonly string[];
}

/** Settings that a group has already; null: it is new. */
export type KnownGroup = ManagementOperations['GetDeploymentGroup']['output']['deploymentGroupInfo'] | null;
type GroupInput = ManagementOperations['UpdateDeploymentGroup']['input'];
type Configuration = NonNullable<NonNullable<KnownGroup>['blueGreenDeploymentConfiguration']>;

export function addBlueGreenOptions(command: Command): Command {
  return command
    .option(
      '--blue-green',
      'replacement hosts get each revision, and then the traffic of the original hosts; with --load-balancers',
    )
    .option('--no-blue-green', 'each host gets each revision where it is')
    .option(
      '--ready-wait <minutes>',
      'blue/green: wait so long for `slipway deployments continue`, then stop; or none: reroute traffic at once',
      parseWait,
    )
    .addOption(
      new Option('--original <what>', 'blue/green: what becomes of the original hosts').choices(['keep', 'terminate']),
    )
    .option('--termination-wait <minutes>', 'blue/green: keep the original hosts so long before', parseCount)
    .addOption(
      new Option(
        '--replacement <what>',
        'blue/green: the replacement hosts exist already, or a copy of the Auto Scaling group is made',
      ).choices(['existing', 'copy']),
    );
}

function parseWait(text: string): number | 'none' {
  if (text === 'none') return 'none';
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes > 0) return minutes;
  throw new InvalidArgumentError('it must be minutes, 1 or more, or none');
}

/** Whether what these flags mean depends on what the group has: the API takes some settings as a whole. */
export function dependOnGroup(options: BlueGreenOptions): boolean {
  return hasWaits(options) || options.blueGreen !== undefined || namesBalancers(options);
}

function hasWaits({ readyWait, original, terminationWait, replacement }: BlueGreenOptions): boolean {
  return [readyWait, original, terminationWait, replacement].some((value) => value !== undefined);
}

function namesBalancers({ loadBalancers, classicLoadBalancers }: BlueGreenOptions): boolean {
  return loadBalancers !== undefined || classicLoadBalancers !== undefined;
}

/**
 * Returns only the settings that were given; all others stay as the group has them.
 *
 * @param isService whether the group is one of ECS, which has the waits of blue/green and nothing else of it
 * @throws SlipwayError CLI_BAD_ARGUMENT for what a service does not have
 */
export function blueGreenInput(options: BlueGreenOptions, known: KnownGroup, isService: boolean) {
  if (!dependOnGroup(options)) return {};
  const balancers = balancersInput(options, known);
  if (isService) {
    refuseForService(options);
    return hasWaits(options) ? { blueGreenDeploymentConfiguration: configurationOf(options, known, 'TERMINATE') } : {};
  }
  const before = known?.deploymentStyle;
  const isBlueGreen = options.blueGreen ?? before?.deploymentType === 'BLUE_GREEN';
  const { elbInfoList = [], targetGroupInfoList = [] } = balancers.loadBalancerInfo ?? {};
  const isControlled = namesBalancers(options)
    ? elbInfoList.length + targetGroupInfoList.length > 0
    : before?.deploymentOption === 'WITH_TRAFFIC_CONTROL';
  return {
    deploymentStyle: {
      deploymentType: isBlueGreen ? 'BLUE_GREEN' : 'IN_PLACE',
      deploymentOption: isControlled ? 'WITH_TRAFFIC_CONTROL' : 'WITHOUT_TRAFFIC_CONTROL',
    },
    ...balancers,
    ...(isBlueGreen
      ? {
          blueGreenDeploymentConfiguration: {
            ...configurationOf(options, known, 'KEEP_ALIVE'),
            greenFleetProvisioningOption: provisioningOf(options, known),
          },
        }
      : {}),
  } as const;
}

/** @throws SlipwayError CLI_BAD_ARGUMENT for an option that would be left out without a word */
function refuseForService({ blueGreen, replacement, loadBalancers, classicLoadBalancers }: BlueGreenOptions): void {
  const given = Object.entries({
    '--blue-green': blueGreen,
    '--replacement': replacement,
    '--load-balancers': loadBalancers,
    '--classic-load-balancers': classicLoadBalancers,
  }).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `${given[0]} is for hosts, and the group is one of an ECS service`, {
    remedy: 'Leave it out: the traffic of a service comes from --target-groups and --listener, always blue/green.',
  });
}

/** Both lists, since the API takes them as one setting: the kind that is not given stays. */
function balancersInput(options: BlueGreenOptions, known: KnownGroup): Pick<GroupInput, 'loadBalancerInfo'> {
  if (!namesBalancers(options)) return {};
  const before = known?.loadBalancerInfo ?? {};
  const listOf = (names: readonly string[]) => names.map((name) => ({ name }));
  const { loadBalancers, classicLoadBalancers } = options;
  const classic = classicLoadBalancers === undefined ? before.elbInfoList : listOf(classicLoadBalancers);
  const groups = loadBalancers === undefined ? before.targetGroupInfoList : listOf(loadBalancers);
  return {
    loadBalancerInfo: {
      ...(classic === undefined ? {} : { elbInfoList: classic }),
      ...(groups === undefined ? {} : { targetGroupInfoList: groups }),
    },
  };
}

function provisioningOf({ replacement }: BlueGreenOptions, known: KnownGroup) {
  if (replacement === 'copy') return { action: 'COPY_AUTO_SCALING_GROUP' } as const;
  const before = known?.blueGreenDeploymentConfiguration?.greenFleetProvisioningOption;
  return replacement === undefined && before !== undefined ? before : ({ action: 'DISCOVER_EXISTING' } as const);
}

function configurationOf(
  options: BlueGreenOptions,
  known: KnownGroup,
  usual: 'KEEP_ALIVE' | 'TERMINATE',
): Configuration {
  const before = known?.blueGreenDeploymentConfiguration;
  const { terminateBlueInstancesOnDeploymentSuccess: blue, deploymentReadyOption: ready } = before ?? {};
  const given =
    options.original === undefined ? blue?.action : options.original === 'keep' ? 'KEEP_ALIVE' : 'TERMINATE';
  const action = given ?? usual;
  const minutes = options.terminationWait ?? blue?.terminationWaitTimeInMinutes;
  return {
    terminateBlueInstancesOnDeploymentSuccess: {
      action,
      ...(action !== 'TERMINATE' || minutes === undefined ? {} : { terminationWaitTimeInMinutes: minutes }),
    },
    deploymentReadyOption: readyOption(options.readyWait) ?? ready ?? { actionOnTimeout: 'CONTINUE_DEPLOYMENT' },
  };
}

function readyOption(wait: number | 'none' | undefined) {
  if (wait === undefined) return null;
  return wait === 'none'
    ? ({ actionOnTimeout: 'CONTINUE_DEPLOYMENT' } as const)
    : ({ actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: wait } as const);
}
