import type { AgentConfig } from '../config/agent-config.ts';
import { loadOnPremises } from '../config/on-premises.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import type { Clock } from '../system/clock.ts';
import { createInstanceMetadata } from './instance-metadata.ts';
import { instanceProfileCredentials, sessionFileCredentials } from './refreshed-credentials.ts';

/** Who this host is, and how it proves it. */
export interface HostIdentity {
  readonly hostIdentifier: string;
  readonly region: string;
  readonly credentials: CredentialProvider;
  /** For the log: where this comes from. */
  readonly source: string;
  readonly warnings: readonly string[];
}

/**
 * Finds out who this host is: the on-premises file, else EC2. Credentials come from the same place and from nowhere else, so that keys
 * that happen to be in the environment are never picked up by accident.
 *
 * @throws SlipwayError AGENT_NO_IDENTITY when neither is there
 */
export async function resolveIdentity(
  config: Pick<AgentConfig, 'onPremisesConfigFile' | 'disableImdsV1'>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<HostIdentity> {
  const { identity, warnings } = loadOnPremises(config.onPremisesConfigFile);
  if (identity === null) return resolveOnEc2(config, env, clock, warnings);
  const common = {
    hostIdentifier: identity.arn,
    region: identity.region,
    source: config.onPremisesConfigFile,
    warnings,
  };
  if (identity.kind === 'session') {
    return { ...common, credentials: sessionFileCredentials(identity.credentialsFile, clock) };
  }
  const { accessKeyId, secretAccessKey } = identity;
  return { ...common, credentials: async () => ({ accessKeyId, secretAccessKey }) };
}

async function resolveOnEc2(
  config: Pick<AgentConfig, 'onPremisesConfigFile' | 'disableImdsV1'>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  warnings: readonly string[],
): Promise<HostIdentity> {
  const metadata = createInstanceMetadata({
    endpoint: env['AWS_EC2_METADATA_SERVICE_ENDPOINT'],
    allowVersion1: !config.disableImdsV1,
  });
  let document: { region?: string; accountId?: string; instanceId?: string };
  let partition: string;
  try {
    document = JSON.parse(
      (await metadata.get('/latest/dynamic/instance-identity/document')) ?? '{}',
    ) as typeof document;
    partition = (await metadata.get('/latest/meta-data/services/partition')) ?? 'aws';
  } catch (cause) {
    const first = warnings.length === 0 ? '' : `${warnings.join('; ')}; `;
    throw new SlipwayError(
      'AGENT_NO_IDENTITY',
      `${first}there is no usable ${config.onPremisesConfigFile}, and EC2 instance metadata does not answer: ${messageOf(cause)}`,
      { cause },
    );
  }
  const region = env['AWS_REGION'] ?? document.region;
  if (region === undefined) throw new SlipwayError('AGENT_NO_IDENTITY', 'EC2 instance metadata does not name a region');
  const hostIdentifier =
    env['AWS_HOST_IDENTIFIER'] ??
    `arn:${partition}:ec2:${region}:${document.accountId ?? ''}:instance/${document.instanceId ?? ''}`;
  const credentials = instanceProfileCredentials(metadata, clock);
  return { hostIdentifier, region, credentials, source: 'EC2 instance metadata', warnings };
}
