/** Suggests names in place of one that the server does not know. */
import { nearNames } from '../appspec/suggest.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { ManagementClient } from '../protocol/management/client.ts';
import type { ManagementOperation, ManagementOperations } from '../protocol/management/shapes.ts';
import { collectPages } from './paging.ts';

/** The server's answer that it does not know a name, with those that are near. */
export class UnknownNameError extends RemoteApiError {
  readonly near: readonly string[];

  constructor({ type, message, status, requestId }: RemoteApiError, near: readonly string[]) {
    super({ type, message, status, requestId });
    this.near = near;
  }
}

/** @throws UnknownNameError in place of the server's answer where a name that was given is near one that there is */
export function suggestingNames(client: ManagementClient): ManagementClient {
  return {
    async call(operation, input, signal) {
      try {
        return await client.call(operation, input, signal);
      } catch (error) {
        if (!(error instanceof RemoteApiError) || signal?.aborted) throw error;
        const near = await namesNear(client, error.type, input);
        throw near.length === 0 ? error : new UnknownNameError(error, near);
      }
    },
  };
}

/** Members of requests that name things which may not be there. */
interface Named {
  readonly applicationName?: string | undefined;
  readonly deploymentGroupName?: string | undefined;
  readonly currentDeploymentGroupName?: string | undefined;
  readonly deploymentConfigName?: string | undefined;
  readonly deploymentId?: string | undefined;
  readonly targetId?: string | undefined;
  readonly instanceName?: string | undefined;
  readonly instanceNames?: readonly string[] | undefined;
}

/** Look-ups by the type of the error: the names that were given, and how to find those that there are. */
const LOOK_UPS: Readonly<
  Record<
    string,
    {
      given(input: Named): readonly (string | undefined)[];
      known(client: ManagementClient, input: Named): Promise<readonly string[]>;
    }
  >
> = {
  ApplicationDoesNotExistException: {
    given: ({ applicationName }) => [applicationName],
    known: (client) =>
      collectPages(
        (nextToken) => client.call('ListApplications', token(nextToken)),
        (page) => page.applications,
      ),
  },
  DeploymentGroupDoesNotExistException: {
    given: ({ deploymentGroupName, currentDeploymentGroupName }) => [deploymentGroupName ?? currentDeploymentGroupName],
    known: (client, { applicationName }) =>
      collectPages(
        (nextToken) => client.call('ListDeploymentGroups', { applicationName, ...token(nextToken) }),
        (page) => page.deploymentGroups,
      ),
  },
  DeploymentConfigDoesNotExistException: {
    given: ({ deploymentConfigName }) => [deploymentConfigName],
    known: (client) =>
      collectPages(
        (nextToken) => client.call('ListDeploymentConfigs', token(nextToken)),
        (page) => page.deploymentConfigsList,
      ),
  },
  DeploymentDoesNotExistException: {
    given: ({ deploymentId }) => [deploymentId],
    // The newest page: nobody means by a slip one of a year ago.
    known: async (client) => (await client.call('ListDeployments', {})).deployments ?? [],
  },
  DeploymentTargetDoesNotExistException: {
    given: ({ targetId }) => [targetId],
    known: (client, { deploymentId }) =>
      collectPages(
        (nextToken) => client.call('ListDeploymentTargets', { deploymentId, ...token(nextToken) }),
        (page) => page.targetIds,
      ),
  },
  InstanceNotRegisteredException: {
    given: ({ instanceName, instanceNames = [] }) => [instanceName, ...instanceNames],
    known: async (client) => {
      const hosts = await collectPages(
        (nextToken) => client.call('DescribeHosts', token(nextToken)),
        (page) => page.hosts,
      );
      return hosts.map((host) => host.instanceName);
    },
  },
};

function token(nextToken: string | undefined): { nextToken?: string } {
  return nextToken === undefined ? {} : { nextToken };
}

/** Whatever keeps the names from being looked up, the server's first answer is what counts. */
async function namesNear<Op extends ManagementOperation>(
  client: ManagementClient,
  type: string,
  input: ManagementOperations[Op]['input'],
): Promise<readonly string[]> {
  const lookUp = Object.hasOwn(LOOK_UPS, type) ? LOOK_UPS[type] : undefined;
  if (lookUp === undefined) return [];
  const given = lookUp.given(input as Named).filter((name) => name !== undefined);
  try {
    const known = await lookUp.known(client, input as Named);
    return given.filter((name) => !known.includes(name)).flatMap((name) => nearNames(name, known));
  } catch {
    return [];
  }
}
