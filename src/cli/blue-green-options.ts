/** Settings of a deployment group for blue/green deployments as flags, and what the API calls them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { parseCount } from './arguments.ts';

export interface BlueGreenOptions {
  readonly blueGreen?: boolean;
  /** Minutes. */
  readonly readyWait?: number | 'none';
  readonly original?: 'keep' | 'terminate';
  /** Minutes. */
  readonly terminationWait?: number;
  /** Empty: traffic is left alone. */
  readonly loadBalancers?: readonly string[];
}

/** Settings that a group has already; null: it is new. */
export type KnownGroup = ManagementOperations['GetDeploymentGroup']['output']['deploymentGroupInfo'] | null;
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
    .option('--termination-wait <minutes>', 'blue/green: keep the original hosts so long before', parseCount);
}

function parseWait(text: string): number | 'none' {
  if (text === 'none') return 'none';
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes > 0) return minutes;
  throw new InvalidArgumentError('it must be minutes, 1 or more, or none');
}

/** Whether what these flags mean depends on what the group has: the API takes its settings for blue/green as a whole. */
export function dependOnGroup({ blueGreen, readyWait, original, terminationWait, loadBalancers }: BlueGreenOptions) {
  const hasParts = [readyWait, original, terminationWait].some((value) => value !== undefined);
  return hasParts || blueGreen !== undefined || loadBalancers !== undefined;
}

/** Returns only the settings that were given; all others stay as the group has them. */
export function blueGreenInput(options: BlueGreenOptions, known: KnownGroup) {
  if (!dependOnGroup(options)) return {};
  const before = known?.deploymentStyle;
  const isBlueGreen = options.blueGreen ?? before?.deploymentType === 'BLUE_GREEN';
  const controlled = options.loadBalancers?.length ?? (before?.deploymentOption === 'WITH_TRAFFIC_CONTROL' ? 1 : 0);
  return {
    deploymentStyle: {
      deploymentType: isBlueGreen ? 'BLUE_GREEN' : 'IN_PLACE',
      deploymentOption: controlled > 0 ? 'WITH_TRAFFIC_CONTROL' : 'WITHOUT_TRAFFIC_CONTROL',
    },
    ...(isBlueGreen ? { blueGreenDeploymentConfiguration: configurationOf(options, known) } : {}),
  } as const;
}

function configurationOf(options: BlueGreenOptions, known: KnownGroup): Configuration {
  const before = known?.blueGreenDeploymentConfiguration;
  const { terminateBlueInstancesOnDeploymentSuccess: blue, deploymentReadyOption: ready } = before ?? {};
  const action =
    options.original === undefined ? blue?.action : options.original === 'keep' ? 'KEEP_ALIVE' : 'TERMINATE';
  const minutes = options.terminationWait ?? blue?.terminationWaitTimeInMinutes;
  return {
    terminateBlueInstancesOnDeploymentSuccess: {
      action: action ?? 'KEEP_ALIVE',
      ...(action !== 'TERMINATE' || minutes === undefined ? {} : { terminationWaitTimeInMinutes: minutes }),
    },
    deploymentReadyOption: readyOption(options.readyWait) ?? ready ?? { actionOnTimeout: 'CONTINUE_DEPLOYMENT' },
    greenFleetProvisioningOption: before?.greenFleetProvisioningOption ?? { action: 'DISCOVER_EXISTING' },
  };
}

function readyOption(wait: number | 'none' | undefined) {
  if (wait === undefined) return null;
  return wait === 'none'
    ? ({ actionOnTimeout: 'CONTINUE_DEPLOYMENT' } as const)
    : ({ actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: wait } as const);
}
