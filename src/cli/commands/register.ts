import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { SlipwayError } from '../../errors.ts';
import { RemoteApiError } from '../../protocol/errors.ts';
import { writeFileDurably } from '../../system/durable-file.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { pathFrom } from '../../system/working-folder.ts';
import { collect, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type Connection, type ConnectionOptions, caFileOf, connect } from '../connection.ts';
import { privateAuthorities } from '../private-authority.ts';
import { signerCaOf } from '../signer-ca.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface RegisterOptions extends ConnectionOptions, ResultOptions {
  readonly instanceName: string;
  readonly tag?: readonly Tag[];
  readonly configDir: string;
  readonly stateDir?: string;
  readonly force?: boolean;
}

/** The files that make this machine a host. */
interface HostFiles {
  readonly config: string;
  readonly onPremises: string;
  readonly signerCa: string;
  /** The authority of the server's own certificate; written where the system does not trust it. */
  readonly ca: string;
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
    .option('--json', 'as JSON')
    .option('--force', 'overwrite configuration that is there, and take over the host if it is enrolled already')
    .action(async (options: RegisterOptions) => {
      const connection = connect(ctx, options);
      const configDir = pathFrom(ctx.workingDirectory, options.configDir);
      const files: HostFiles = {
        config: join(configDir, 'codedeployagent.yml'),
        onPremises: join(configDir, 'codedeploy.onpremises.yml'),
        signerCa: join(configDir, 'slipway-signer-ca.pem'),
        ca: join(configDir, 'slipway-ca.pem'),
      };
      const inTheWay = Object.values(files).filter((file) => existsSync(file));
      if (inTheWay.length > 0 && !options.force) {
        throw new SlipwayError(
          'CLI_FILE_EXISTS',
          `this machine has agent configuration already: ${inTheWay.join(', ')}`,
        );
      }
      // The folder first: a machine that cannot keep its configuration must not be known to the server.
      mkdirSync(configDir, { recursive: true });
      const authorities = await privateAuthorities(new URL(connection.endpoint), await caFileOf(ctx, options));
      const { identity, undo } = await enrol(connection, options);
      try {
        writeHostFiles(files, { ...identity, authorities }, connection, stateDir(ctx.workingDirectory, options));
      } catch (error) {
        for (const file of Object.values(files)) if (!inTheWay.includes(file)) rmSync(file, { force: true });
        await undo();
        throw error;
      }
      const { instanceName } = options;
      const { hostArn } = identity;
      const written = Object.values(files).filter((file) => existsSync(file));
      const text = [
        `registered ${instanceName} as ${hostArn}`,
        ...written.map((file) => `wrote ${file}`),
        `start the agent: ${shellCommand('slipway', 'agent', '--config-file', files.config)}`,
      ];
      printResult(ctx, options, { instanceName, hostArn, configFile: files.config, written }, text);
    });
};

interface HostIdentity {
  readonly hostArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly s3Endpoint: string;
  readonly signerCaCertificatePem: string;
  /** Whether the server signs each command's order; older servers do not. */
  readonly signsOrders: boolean;
}

interface Enrolment {
  readonly identity: HostIdentity;
  /** Takes back what was made: nobody has the key, and the name is free. */
  undo(): Promise<void>;
}

/** Makes the host's key and its record on the server. If a later step fails, what was made is taken back. */
async function enrol({ client, endpoint }: Connection, options: RegisterOptions): Promise<Enrolment> {
  const { instanceName } = options;
  const server = await client.call('DescribeServer', {});
  const signerCaCertificatePem = signerCaOf(server);
  const key = await client.call('CreateAccessKey', { role: 'host', instanceName, description: `host ${instanceName}` });
  const hostArn = key.hostArn ?? '';
  let isNew = true;
  const undo = async () => {
    await client.call('DisableAccessKey', { accessKeyId: key.accessKeyId }).catch(() => undefined);
    if (isNew) await client.call('DeregisterOnPremisesInstance', { instanceName }).catch(() => undefined);
  };
  try {
    await client.call('RegisterOnPremisesInstance', { instanceName, iamUserArn: hostArn }).catch(async (error) => {
      isNew = false;
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

function writeHostFiles(
  files: HostFiles,
  identity: HostIdentity & { readonly authorities: string | null },
  connection: Connection,
  stateDir: string | null,
): void {
  if (identity.authorities === null) rmSync(files.ca, { force: true });
  else writeFileDurably(files.ca, identity.authorities, 0o644);
  writeFileDurably(files.signerCa, identity.signerCaCertificatePem, 0o644);
  writeFileDurably(
    files.onPremises,
    stringify({
      region: connection.region,
      iam_user_arn: identity.hostArn,
      aws_access_key_id: identity.accessKeyId,
      aws_secret_access_key: identity.secretAccessKey,
    }),
    0o600,
  );
  writeFileDurably(
    files.config,
    stringify({
      deploy_control_endpoint: connection.endpoint,
      s3_endpoint_override: identity.s3Endpoint,
      ...(identity.authorities === null ? {} : { ca_file: files.ca }),
      deployment_spec_ca_file: files.signerCa,
      ...(identity.signsOrders ? { demand_signed_orders: true } : {}),
      on_premises_config_file: files.onPremises,
      // The server holds a poll until there is work, so the agent may ask again at once.
      wait_between_runs: 1,
      wait_between_runs_active: 1,
      ...(stateDir === null
        ? {}
        : {
            root_dir: join(stateDir, 'deployment-root'),
            log_dir: join(stateDir, 'log'),
            pid_dir: join(stateDir, 'state/.pid'),
          }),
    }),
    0o600,
  );
}
