/** The one platform that is deployed to here. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { Input } from './context.ts';
import { checkChoice, readText } from './input.ts';

const INVALID = 'InvalidComputePlatformException';

/** @throws ApiError InvalidComputePlatformException for an unknown platform, and for Lambda and ECS */
export function requireHostPlatform(input: Input): void {
  const given = readText(input, 'computePlatform') ?? 'Server';
  const platform = checkChoice(given, 'computePlatform', ['Server', 'Lambda', 'ECS'], INVALID);
  if (platform === 'Server') return;
  throw new ApiError(
    INVALID,
    `computePlatform ${platform} is not supported: this server deploys to hosts. Use Server, or leave it out.`,
  );
}
