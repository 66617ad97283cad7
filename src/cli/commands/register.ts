import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { messageOf, SlipwayError } from '../../errors.ts';
import { RemoteApiError } from '../../protocol/errors.ts';
import type { EnrolmentToken } from '../../protocol/management/enrolment.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { pathFrom } from '../../system/working-folder.ts';
import { collect, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import {
  addConnectionOptions,
  type Connection,
  type ConnectionOptions,
  caFileOf,
  connect,
  namedCaFile,
  trustServer,
} from '../connection.ts';
import type { CliContext } from '../context.ts';
import { enrolByToken, readToken } from '../enrol-by-token.ts';
import { keptNames, readConfiguration, withHostSettings } from '../host-configuration.ts';
import {
  type HostIdentity,
  hostFilesIn,
  hostFilesThere,
  hostSettings,
  takeBackHostFiles,
  writeHostFiles,
} from '../host-files.ts';
import { privateAuthorities } from '../private-authority.ts';
import { signerCaOf } from '../signer-ca.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface RegisterOptions extends ConnectionOptions, ResultOptions {
  readonly instanceName: string;
  readonly tag?: readonly Tag[];
  readonly configDir: string;
  readonly stateDir?: string;
  readonly force?: boolean;
  readonly token?: string;
  readonly tokenFile?: string;
  /** The same as `endpointUrl`. */
  readonly server?: string;
}

export const addRegisterCommand: AddCommand = (program, ctx) => {
  addConnectionOptions(
    program
      .command('register')
      .description('enrol this machine as a host: make its key and write the agent’s configuration'),
  )
    .option('--instance-name <name>', 'name of the host; else the machine’s', hostname())
    .option('--tag <key=value>', 'tag by which deployment groups find the host; may be repeated', collect(parseTag))
    .option('--config-dir <dir>', 'where the configuration goes', '/etc/codedeploy-agent/conf')
    .option(
      '--state-dir <dir>',
      'where the agent keeps revisions, logs and its PID file; else the usual system folders',
    )
    .option('--token-file <file>', 'enrol with the token in a file, and no access key; - is the standard input')
    .option('--token <token>', 'the token itself, which every user of this machine can see meanwhile')
    .option('--server <url>', 'the control server, as --endpoint-url')
    .option('--json', 'as JSON')
    .option(
      '--force',
      'enrol again: replace identity and server in the configuration that is there, keep its other keys, and take over the host if it is enrolled already',
    )
    .action(async (given: RegisterOptions) => {
      const options = await withServer(ctx, given);
      const token = readToken(ctx, options);
      if (token !== null) refuseOwnTags(options);
      const connection = connect(ctx, options);
      const configDir = pathFrom(ctx.workingDirectory, options.configDir);
      const files = hostFilesIn(configDir);
      const there = hostFilesThere(files);
      const { inTheWay } = there;
      if (inTheWay.length > 0 && !options.force) {
        throw new SlipwayError(
          'CLI_FILE_EXISTS',
          `this machine has agent configuration already: ${inTheWay.join(', ')}`,
        );
      }
      const before = readConfiguration(files.config);
      // The folder first: a machine that cannot keep its configuration must not be known to the server.
      const madeFolder = mkdirSync(configDir, { recursive: true });
      const { identity, region, authorities, undo } = await (token === null
        ? enrolByKey(ctx, connection, options)
        : enrolled(ctx, connection, options, token)
      ).catch((error: unknown) => {
        if (madeFolder !== undefined) removeEmptyFolders(configDir, madeFolder);
        throw error;
      });
      const host = { ...identity, authorities };
      const place = { endpoint: connection.endpoint, stateDir: stateDir(ctx.workingDirectory, options) };
      const settings = hostSettings(files, host, place, before);
      const kept = keptNames(before, settings);
      try {
        writeHostFiles(files, host, region, withHostSettings(before, settings));
      } catch (error) {
        takeBackHostFiles(files, there);
        await undo();
        throw error;
      }
      const { instanceName } = options;
      const { hostArn } = identity;
      const written = Object.values(files).filter((file) => existsSync(file));
      const text = [
        `registered ${instanceName} as ${hostArn}`,
        ...written.map((file) => `wrote ${file}`),
        ...(kept.length === 0 ? [] : [`kept from the configuration before: ${kept.join(', ')}`]),
        `start the agent: ${shellCommand('slipway', 'agent', '--config-file', files.config)}`,
      ];
      printResult(ctx, options, { instanceName, hostArn, configFile: files.config, written, kept }, text);
    });
};

interface Enrolment {
  readonly identity: HostIdentity;
  /** Region that its requests are signed for. */
  readonly region: string;
  /** Authorities that the host's services have to trust, PEM; null: the system's own suffice. */
  readonly authorities: string | null;
  /** Takes back what was made: nobody has the key, and the name is free. */
  undo(): Promise<void>;
}

/** `--server` and `--endpoint-url` are one thing. @throws SlipwayError CLI_BAD_ARGUMENT when they name two servers */
async function withServer(ctx: CliContext, options: RegisterOptions): Promise<RegisterOptions> {
  const { server, endpointUrl } = options;
  if (server === undefined) return options;
  if (endpointUrl !== undefined && endpointUrl !== server) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--server and --endpoint-url name two servers', {
      remedy: 'Give one of them.',
    });
  }
  const named = { ...options, endpointUrl: server };
  // Whom to trust was decided for the address that --endpoint-url names, before this command began.
  await trustServer(ctx, named);
  return named;
}

/** A host that could choose its tags could choose whose revisions it gets. */
function refuseOwnTags({ tag }: RegisterOptions): void {
  if (tag === undefined) return;
  throw new SlipwayError('CLI_BAD_ARGUMENT', 'a host that enrols with a token has the tags of the token', {
    remedy: 'Leave --tag out here, and give it to `slipway server tokens create`.',
  });
}

async function enrolByKey(ctx: CliContext, connection: Connection, options: RegisterOptions): Promise<Enrolment> {
  const caFile = await caFileOf(ctx, options);
  const authorities = await privateAuthorities(new URL(connection.endpoint), caFile, ctx.env);
  return { ...(await enrol(ctx, connection, options)), region: connection.region, authorities };
}

/** An enrolment cannot be taken back here: a host's key may not do that. */
async function enrolled(
  ctx: CliContext,
  { endpoint }: Connection,
  options: RegisterOptions,
  token: EnrolmentToken,
): Promise<Enrolment> {
  const { instanceName, force } = options;
  // A token that names an authority goes before what this machine's agent has trusted so far: it may be moving to another server.
  const caFile = token.authoritySha256 === null ? await caFileOf(ctx, options) : namedCaFile(ctx, options);
  const input = { instanceName, ...(force === true ? { takeOver: true } : {}) };
  const { answer, authorities } = await enrolByToken(ctx, endpoint, token, { input, caFile });
  const { hostArn, accessKeyId, secretAccessKey, region, signerCaCertificatePem } = answer;
  const s3Endpoint = answer.s3Endpoint ?? endpoint;
  return {
    identity: { hostArn, accessKeyId, secretAccessKey, s3Endpoint, signerCaCertificatePem, signsOrders: true },
    ...{ region, authorities },
    undo: async () =>
      ctx.stderr.writeLines([
        `slipway: the server knows the host ${instanceName} now, and this machine does not have its key: take it out with \`${shellCommand('slipway', 'hosts', 'deregister', instanceName)}\` before it is enrolled again`,
      ]),
  };
}

/**
 * Makes the host's key and its record on the server. If a later step fails, what was made is taken back. The operator is told of what could
 * not be, because a key that nobody knows of is one that nobody disables.
 */
async function enrol(
  ctx: Pick<CliContext, 'stderr'>,
  { client, endpoint }: Connection,
  options: RegisterOptions,
): Promise<Pick<Enrolment, 'identity' | 'undo'>> {
  const { instanceName } = options;
  const server = await client.call('DescribeServer', {});
  const signerCaCertificatePem = signerCaOf(server);
  const key = await client.call('CreateAccessKey', { role: 'host', instanceName, description: `host ${instanceName}` });
  const hostArn = key.hostArn ?? '';
  let record: 'ours' | 'maybe' | 'not ours' = 'ours';
  const undo = async () => {
    const left = (what: string, ...words: string[]) =>
      ctx.stderr.writeLines([`slipway: ${what} \`${shellCommand('slipway', ...words)}\``]);
    const deregister = ['hosts', 'deregister', instanceName];
    const { accessKeyId } = key;
    await client
      .call('DisableAccessKey', { accessKeyId })
      .catch((error: unknown) =>
        left(
          `the key that was made is in force (${messageOf(error)}): disable it with`,
          'keys',
          'disable',
          accessKeyId,
        ),
      );
    // It may as well be another machine's from before, which must not be taken out.
    if (record === 'maybe') {
      const what = `the server may know the host ${instanceName} by this try or from before: look at it with`;
      left(what, 'hosts', 'show', instanceName);
    }
    if (record !== 'ours') return;
    await client
      .call('DeregisterOnPremisesInstance', { instanceName })
      .catch((error: unknown) =>
        left(`the server knows the host ${instanceName} now (${messageOf(error)}): take it out with`, ...deregister),
      );
  };
  try {
    await client.call('RegisterOnPremisesInstance', { instanceName, iamUserArn: hostArn }).catch(async (error) => {
      // Without an answer nobody knows whether the record was made.
      record = error instanceof RemoteApiError ? 'not ours' : 'maybe';
      const isTaken = error instanceof RemoteApiError && error.type === 'InstanceNameAlreadyRegisteredException';
      if (!isTaken || options.force !== true) throw error;
      // This machine was enrolled before, or an earlier try was cut off: with a new key it is the same host.
      const { instanceInfo } = await client.call('GetOnPremisesInstance', { instanceName });
      if (instanceInfo?.iamUserArn !== hostArn) throw error;
    });
    if (options.tag !== undefined && options.tag.length > 0) {
      await client.call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags: [...options.tag] });
    }
  } catch (error) {
    await undo();
    throw error;
  }
  const { accessKeyId, secretAccessKey } = key;
  const s3Endpoint = server.s3Endpoint ?? endpoint;
  const signsOrders = server.signsOrders === true;
  return { identity: { hostArn, accessKeyId, secretAccessKey, s3Endpoint, signerCaCertificatePem, signsOrders }, undo };
}

function stateDir(workingDirectory: string, options: RegisterOptions): string | null {
  return options.stateDir === undefined ? null : pathFrom(workingDirectory, options.stateDir);
}

/** From one folder up to another one, as far as nothing is in them. */
function removeEmptyFolders(from: string, upTo: string): void {
  for (let folder = from; folder.startsWith(upTo); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}
