import { accessSync, constants } from 'node:fs';
import type { Command } from 'commander';
import { DEFAULT_CONFIG_FILE } from '../config/default-config-file.ts';
import { SlipwayError } from '../errors.ts';
import { createManagementClient, type ManagementClient } from '../protocol/management/client.ts';
import type { Credentials } from '../protocol/sigv4/credentials.ts';
import { shellCommand } from '../system/shell-word.ts';
import { trustAuthorities } from '../system/trust.ts';
import { pathFrom } from '../system/working-folder.ts';
import type { CliContext } from './context.ts';
import { suggestingNames } from './near-names.ts';

/** The flags of every command that talks to a control server. */
export interface ConnectionOptions {
  readonly endpointUrl?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly caFile?: string;
}

/** A control server, and how this person talks to it. */
export interface Connection {
  readonly client: ManagementClient;
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--endpoint-url <url>',
      'the control server; else SLIPWAY_ENDPOINT_URL, AWS_ENDPOINT_URL_CODEDEPLOY, AWS_ENDPOINT_URL',
    )
    .option('--region <region>', 'region to sign for; else AWS_REGION, AWS_DEFAULT_REGION, us-east-1')
    .option('--profile <name>', 'profile of ~/.aws/credentials; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    .option(
      '--ca-file <file>',
      'certificate of the server’s authority, PEM; else SLIPWAY_CA_FILE, or ca_file of this machine’s agent',
    );
}

/** Writes a command for the same server as the running one, as people are advised to type it: with the same flags for the connection. */
export function serverCommand(options: ConnectionOptions, ...words: readonly string[]): string {
  const { endpointUrl, region, profile, caFile } = options;
  const flags = { '--endpoint-url': endpointUrl, '--region': region, '--profile': profile, '--ca-file': caFile };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return shellCommand('slipway', ...words, ...given);
}

/**
 * Makes this process trust the server's authority, where a command names one.
 *
 * @throws SlipwayError CONFIG_UNREADABLE when a file that is named cannot be used
 */
export async function trustServer(ctx: CliContext, options: ConnectionOptions): Promise<void> {
  const caFile = await caFileOf(ctx, options);
  const endpoint = endpointOf(ctx, options) ?? '';
  if (caFile === null && !endpoint.startsWith('https:')) return;
  const caFileFrom =
    options.caFile !== undefined ? '--ca-file' : ctx.env['SLIPWAY_CA_FILE'] ? 'SLIPWAY_CA_FILE' : 'ca_file';
  await trustAuthorities({ env: ctx.env, caFile, caFileFrom });
}

/** The file that names the server's authority; null: none does. */
export async function caFileOf(ctx: CliContext, options: ConnectionOptions): Promise<string | null> {
  const named = namedCaFile(ctx, options);
  if (named !== null) return named;
  // On a host, people talk to the server that its agent talks to. Who may not read the agent's configuration names the file.
  try {
    accessSync(DEFAULT_CONFIG_FILE, constants.R_OK);
  } catch {
    return null;
  }
  const { loadAgentConfig } = await import('../config/agent-config.ts');
  return loadAgentConfig(null).config.caFile;
}

/** The file that flag or environment name; null: neither does. */
export function namedCaFile(ctx: CliContext, options: ConnectionOptions): string | null {
  const named = options.caFile ?? ctx.env['SLIPWAY_CA_FILE'];
  return named === undefined || named === '' ? null : pathFrom(ctx.workingDirectory, named);
}

/** The control server that flags or environment name; a variable that is empty names none. */
export function endpointOf({ env }: CliContext, options: ConnectionOptions): string | undefined {
  return (
    options.endpointUrl ??
    (env['SLIPWAY_ENDPOINT_URL'] || env['AWS_ENDPOINT_URL_CODEDEPLOY'] || env['AWS_ENDPOINT_URL'])
  );
}

/**
 * Finds the server and the credentials the way the AWS command line does, so that one set of variables serves both.
 *
 * @throws SlipwayError CLI_NO_ENDPOINT when no server is named anywhere; CLI_NO_CREDENTIALS, at the first request, when no key is
 */
export function connect(ctx: CliContext, options: ConnectionOptions): Connection {
  const { env } = ctx;
  const endpoint = endpointOf(ctx, options);
  if (endpoint === undefined || endpoint === '') {
    throw new SlipwayError('CLI_NO_ENDPOINT', 'no control server is named');
  }
  if (!/^https?:\/\/[^/]/.test(endpoint)) {
    throw new SlipwayError('CLI_NO_ENDPOINT', `'${endpoint}' is no http:// or https:// address of a control server`);
  }
  const region = options.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1');
  const credentials = () => findCredentials(ctx, options.profile);
  return {
    client: suggestingNames(createManagementClient({ endpoint, region, credentials, clock: ctx.clock })),
    endpoint,
    region,
    credentials,
  };
}

async function findCredentials({ env }: CliContext, profile: string | undefined): Promise<Credentials> {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (profile === undefined && accessKeyId && secretAccessKey) {
    const sessionToken = env['AWS_SESSION_TOKEN'];
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  }
  // Reading profiles is the SDK's business; it costs 100 ms, so only those who use profiles pay for it.
  const { fromIni } = await import('@aws-sdk/credential-providers');
  try {
    return await fromIni({ profile: profile ?? (env['AWS_PROFILE'] || 'default') })();
  } catch (cause) {
    throw new SlipwayError('CLI_NO_CREDENTIALS', 'no access key is set to sign requests with', { cause });
  }
}
