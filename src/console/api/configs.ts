/** Deployment configurations as pages show them. */
import type { Platform } from '../view/platforms.ts';
import { allPages, call, type Output } from './call.ts';

export type ConfigInfo = NonNullable<Output<'GetDeploymentConfig'>['deploymentConfigInfo']>;

const PREDEFINED = 'CodeDeployDefault.';

export function isPredefined(name: string): boolean {
  return name.startsWith(PREDEFINED);
}

export async function allConfigNames(signal?: AbortSignal): Promise<string[]> {
  return allPages(
    (token) => call('ListDeploymentConfigs', token, signal),
    ({ deploymentConfigsList }) => deploymentConfigsList ?? [],
  );
}

/** Names that a group of the platform may have: the predefined ones say their platform, and of others the API judges. */
export async function configNames(platform: Platform, signal?: AbortSignal): Promise<string[]> {
  const names = await allConfigNames(signal);
  return names.filter((name) => !isPredefined(name) || platformOfPredefined(name) === platform);
}

function platformOfPredefined(name: string): Platform {
  const rest = name.slice(PREDEFINED.length);
  return rest.startsWith('Lambda') ? 'Lambda' : rest.startsWith('ECS') ? 'ECS' : 'Server';
}

/** In the order of the names; those that were deleted meanwhile are left out. */
export async function configsOf(names: readonly string[], signal?: AbortSignal): Promise<ConfigInfo[]> {
  const answers = await Promise.all(
    names.map((deploymentConfigName) =>
      call('GetDeploymentConfig', { deploymentConfigName }, signal).catch((error: unknown) => {
        if (error instanceof Error && 'type' in error && error.type === 'DeploymentConfigDoesNotExistException')
          return null;
        throw error;
      }),
    ),
  );
  return answers.flatMap((answer) => answer?.deploymentConfigInfo ?? []);
}
