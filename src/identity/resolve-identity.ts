import type { AgentConfig } from '../config/agent-config.ts';
import { loadOnPremises } from '../config/on-premises.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import { type Logger, silentLogger } from '../logging/logger.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import type { Clock } from '../system/clock.ts';
import { createInstanceMetadata, type InstanceMetadata, metadataDeadline, parseMetadata } from './instance-metadata.ts';
import { instanceProfileCredentials, sessionFileCredentials, userFileCredentials } from './refreshed-credentials.ts';

const REGION = /^[0-9a-z-]{1,20}$/;
const ARN_PART = /^[\w-]{1,64}$/;

/** Identity of this host, and its credentials. */
export interface HostIdentity {
  readonly hostIdentifier: string;
  readonly region: string;
  readonly credentials: CredentialProvider;
  /** For the log: where this comes from. */
  readonly source: string;
  readonly warnings: readonly string[];
}

/**
 * Finds out who this host is: the on-premises file, else EC2. Credentials come from the same place only, so that keys in the environment
 * are never picked up by accident.
 *
 * @param log told later, when keys change while the agent runs
 * @throws SlipwayError AGENT_NO_IDENTITY when neither is there; CONFIG_INVALID for a region that is none
 */
export async function resolveIdentity(
  config: Pick<AgentConfig, 'onPremisesConfigFile' | 'disableImdsV1'>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  log: Pick<Logger, 'info' | 'warn'> = silentLogger,
): Promise<HostIdentity> {
  const found = await findIdentity(config, env, clock, log);
  // It becomes part of host names that credentials are sent to.
  if (!REGION.test(found.region)) {
    throw new SlipwayError('CONFIG_INVALID', `the region '${found.region}' of ${found.source} is no region’s name`);
  }
  return found;
}

async function findIdentity(
  config: Pick<AgentConfig, 'onPremisesConfigFile' | 'disableImdsV1'>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  log: Pick<Logger, 'info' | 'warn'>,
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
  return { ...common, credentials: userFileCredentials(config.onPremisesConfigFile, identity, log) };
}

async function resolveOnEc2(
  config: Pick<AgentConfig, 'onPremisesConfigFile' | 'disableImdsV1'>,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  warnings: readonly string[],
): Promise<HostIdentity> {
  const metadata = createInstanceMetadata({
    endpoint: env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || undefined,
    allowVersion1: !config.disableImdsV1,
  });
  let facts: InstanceFacts;
  try {
    facts = await readInstanceFacts(metadata);
  } catch (cause) {
    const first = warnings.length === 0 ? '' : `${warnings.join('; ')}; `;
    throw new SlipwayError(
      'AGENT_NO_IDENTITY',
      `${first}there is no usable ${config.onPremisesConfigFile}, and EC2 instance metadata does not answer: ${messageOf(cause)}`,
      { cause },
    );
  }
  // An empty variable counts as not set, as everywhere.
  const region = env['AWS_REGION'] || facts.region;
  if (region === undefined) throw new SlipwayError('AGENT_NO_IDENTITY', 'EC2 instance metadata does not name a region');
  const hostIdentifier = env['AWS_HOST_IDENTIFIER'] || arnOf(facts, region);
  if (hostIdentifier === null) {
    throw new SlipwayError('AGENT_NO_IDENTITY', 'EC2 instance metadata does not name account and instance');
  }
  const credentials = instanceProfileCredentials(metadata, clock);
  return { hostIdentifier, region, credentials, source: 'EC2 instance metadata', warnings };
}

interface InstanceFacts {
  readonly partition: string;
  readonly region: string | undefined;
  readonly accountId: string | undefined;
  readonly instanceId: string | undefined;
}

async function readInstanceFacts(metadata: InstanceMetadata): Promise<InstanceFacts> {
  const deadline = metadataDeadline();
  const document = (await metadata.get('/latest/dynamic/instance-identity/document', deadline)) ?? '{}';
  const { region, accountId, instanceId } = parseMetadata(document, 'the identity document');
  const partition = (await metadata.get('/latest/meta-data/services/partition', deadline)) ?? 'aws';
  return { partition, region, accountId, instanceId };
}

/** null: a part of it is missing, or is none. */
function arnOf({ partition, accountId, instanceId }: InstanceFacts, region: string): string | null {
  const isPart = (text: string | undefined) => text !== undefined && ARN_PART.test(text);
  if (![partition, accountId, instanceId].every(isPart)) return null;
  return `arn:${partition}:ec2:${region}:${accountId}:instance/${instanceId}`;
}
