/** How a configuration of Lambda or ECS moves traffic, as options of a command. Pure. */
import { InvalidArgumentError } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';

/** As people write them → as the API calls them. */
export const TRAFFIC_PLATFORMS = { lambda: 'Lambda', ecs: 'ECS' } as const;

type CreateInput = ManagementOperations['CreateDeploymentConfig']['input'];

/** `10/5`: so much of the traffic, in percent, and so many minutes. */
export interface Part {
  readonly percent: number;
  readonly minutes: number;
}

export interface TrafficOptions {
  readonly platform?: keyof typeof TRAFFIC_PLATFORMS;
  readonly canary?: Part;
  readonly linear?: Part;
}

export function parsePart(text: string): Part {
  const [, percent, minutes] = /^(\d{1,3})%?\/(\d{1,5})m?$/.exec(text) ?? [];
  if (percent !== undefined && minutes !== undefined) return { percent: Number(percent), minutes: Number(minutes) };
  throw new InvalidArgumentError(`'${text}' is no PERCENT/MINUTES, as 10/5`);
}

/**
 * @param isForHosts whether other options say what only hosts have
 * @returns null: the configuration is for hosts
 * @throws SlipwayError CLI_BAD_ARGUMENT for options that do not go together
 */
export function trafficMembers(
  { platform, canary, linear }: TrafficOptions,
  isForHosts: boolean,
): Pick<CreateInput, 'computePlatform' | 'trafficRoutingConfig'> | null {
  if (platform === undefined) {
    if (canary === undefined && linear === undefined) return null;
    throw wrong('--canary and --linear move traffic: name the --platform, lambda or ecs');
  }
  if (isForHosts) throw wrong(`--platform ${platform} has no hosts: leave out what is said of healthy hosts and zones`);
  if (canary !== undefined && linear !== undefined) throw wrong('--canary and --linear exclude each other');
  return {
    computePlatform: TRAFFIC_PLATFORMS[platform],
    trafficRoutingConfig:
      canary !== undefined
        ? {
            type: 'TimeBasedCanary',
            timeBasedCanary: { canaryPercentage: canary.percent, canaryInterval: canary.minutes },
          }
        : linear !== undefined
          ? {
              type: 'TimeBasedLinear',
              timeBasedLinear: { linearPercentage: linear.percent, linearInterval: linear.minutes },
            }
          : { type: 'AllAtOnce' },
  };
}

function wrong(why: string): SlipwayError {
  return new SlipwayError('CLI_BAD_ARGUMENT', why);
}
