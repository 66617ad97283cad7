/** The platform that an application or a configuration is for. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { ComputePlatform } from '../store/schema.ts';
import type { Input } from './context.ts';
import { checkChoice, readText } from './input.ts';
import { PREDEFINED_PREFIX } from './predefined-configs.ts';

export type Platform = ComputePlatform;

const INVALID = 'InvalidComputePlatformException';

/** @returns Server when there is none @throws ApiError InvalidComputePlatformException for an unknown platform */
export function readPlatform(input: Input): Platform {
  const given = readText(input, 'computePlatform') ?? 'Server';
  return checkChoice(given, 'computePlatform', ['Server', 'Lambda', 'ECS'], INVALID);
}

/**
 * @param asksAws whether the server has a region of AWS to act in
 * @throws ApiError InvalidComputePlatformException for Lambda and ECS where it has none
 */
export function requireReachable(platform: Platform, asksAws: boolean): void {
  if (platform === 'Server' || asksAws) return;
  throw new ApiError(
    INVALID,
    `computePlatform ${platform} is not supported: this server asks no AWS (--aws-region), and so deploys to hosts alone. Use Server, or leave it out.`,
  );
}

/** @throws ApiError InvalidComputePlatformException where the server asks no AWS any more */
export function requireDeployable(platform: Platform, asksAws: boolean): void {
  if (platform === 'Server' || asksAws) return;
  throw new ApiError(
    INVALID,
    `applicationName names an application for ${platform}, and this server asks no AWS any more: start it with --aws-region.`,
  );
}

/**
 * The default of the API's model, OneAtATime, says nothing about traffic; so a function and a service get all of it at once.
 *
 * @returns the name of a predefined configuration
 */
export function defaultConfigOf(platform: Platform): string {
  return `${PREDEFINED_PREFIX}${platform === 'Server' ? 'OneAtATime' : `${platform}AllAtOnce`}`;
}
