/** The platform that an application or a configuration is for. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { ComputePlatform } from '../store/schema.ts';
import type { Input } from './context.ts';
import { checkChoice, readText } from './input.ts';

export type Platform = ComputePlatform;

const INVALID = 'InvalidComputePlatformException';

/** @returns Server when there is none @throws ApiError InvalidComputePlatformException for an unknown platform */
export function readPlatform(input: Input): Platform {
  const given = readText(input, 'computePlatform') ?? 'Server';
  return checkChoice(given, 'computePlatform', ['Server', 'Lambda', 'ECS'], INVALID);
}

/** @throws ApiError InvalidComputePlatformException for an unknown platform, and for Lambda and ECS */
export function requireHostPlatform(input: Input): void {
  const platform = readPlatform(input);
  if (platform === 'Server') return;
  throw new ApiError(
    INVALID,
    `computePlatform ${platform} is not supported: this server deploys to hosts. Use Server, or leave it out.`,
  );
}
