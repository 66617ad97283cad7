/** A host that a test drives by hand: enrolled with a real server, and spoken for by a client of the host command API. */
import { createHostCommandClient, type HostCommandClient } from '../../src/protocol/host-command/client.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { createManagementClient, type ManagementClient } from '../../src/protocol/management/client.ts';
import { type Clock, systemClock } from '../../src/system/clock.ts';
import { eventually } from './eventually.ts';

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface HandDrivenHost {
  readonly name: string;
  readonly hostArn: string;
  readonly key: KeyPair;
  readonly client: HostCommandClient;
  /** The next command. @throws Error when none comes in time */
  command(): Promise<HostCommand>;
}

export function managementClient(endpoint: string, key: KeyPair, clock: Clock = systemClock): ManagementClient {
  const connection = { endpoint, region: 'us-east-1', clock };
  return createManagementClient({ ...connection, credentials: async () => key });
}

/** @param tag the value of the host's tag `Role` */
export async function handDrivenHost(
  endpoint: string,
  admin: ManagementClient,
  name: string,
  tag: string,
): Promise<HandDrivenHost> {
  const made = await admin.call('CreateAccessKey', { role: 'host', instanceName: name });
  const hostArn = made.hostArn ?? '';
  await admin.call('RegisterOnPremisesInstance', { instanceName: name, iamUserArn: hostArn });
  await admin.call('AddTagsToOnPremisesInstances', { instanceNames: [name], tags: [{ Key: 'Role', Value: tag }] });
  const client = hostClient(endpoint, hostArn, made);
  return {
    ...{ name, hostArn, client, key: made },
    async command() {
      let command: HostCommand | null = null;
      await eventually(async () => {
        command = await client.pollHostCommand(undefined, false);
        return command !== null;
      });
      return command as unknown as HostCommand;
    },
  };
}

/** @param hostArn who it claims to be */
export function hostClient(endpoint: string, hostArn: string, key: KeyPair): HostCommandClient {
  return createHostCommandClient({
    ...{ endpoint, region: 'us-east-1', hostIdentifier: hostArn, credentials: async () => key },
    ...{ agentVersion: 'test', enableAuthPolicy: false, readTimeoutMs: 80_000, proxyUri: null, clock: systemClock },
  });
}

/** A deployment of a revision that nobody reads, to the hosts of one tag. @returns its id */
export async function deployToTag(admin: ManagementClient, tag: string): Promise<string> {
  const [applicationName, deploymentGroupName] = [`app-${tag}`, 'hosts'];
  await admin.call('CreateApplication', { applicationName });
  await admin.call('CreateDeploymentGroup', {
    ...{ applicationName, deploymentGroupName, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
    onPremisesInstanceTagFilters: [{ Key: 'Role', Value: tag, Type: 'KEY_AND_VALUE' }],
  });
  const revision = {
    revisionType: 'S3' as const,
    s3Location: { bucket: 'revisions', key: `${tag}.zip`, bundleType: 'zip' as const },
  };
  const { deploymentId = '' } = await admin.call('CreateDeployment', {
    applicationName,
    deploymentGroupName,
    revision,
  });
  return deploymentId;
}
