import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { ClosableLogger } from '../../logging/create-logger.ts';
import { type ListenAddress, parseListenAddress } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitStatus } from '../exit-status.ts';
import { packageVersion } from '../package-version.ts';
import { environmentTemplate } from '../service/environment-file.ts';
import type { ServiceInstallation } from '../service/install.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';

interface ServerOptions {
  readonly dataDir: string;
  readonly listen: ListenAddress;
  readonly s3Listen: ListenAddress;
  readonly publicS3Endpoint?: string;
  readonly database?: string;
  readonly region: string;
  readonly accountId: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export const DEFAULT_DATA_DIR = '/var/lib/slipway';

export const addServerCommand: AddCommand = (program, ctx) => {
  const server = program.command('server').description('run the control server in the foreground');
  addServerOptions(server).action((options: ServerOptions) => runServer(ctx, options));

  server
    .command('install')
    .description('put the server in place as a systemd service and start it; settings go to /etc/slipway/server.env')
    .option('--print', 'print the unit and change nothing')
    .action(async (options: { print?: boolean }) => {
      const installation: ServiceInstallation = {
        name: 'slipway-server',
        args: ['server', '--data-dir', DEFAULT_DATA_DIR],
        user: 'slipway',
        hiddenFolders: ['/home', '/root', '/tmp', '/var/tmp'],
        environmentFile: {
          path: '/etc/slipway/server.env',
          template: environmentTemplate('slipway-server', server.options),
        },
      };
      const { installService, unitForThisMachine } = await import('../service/install.ts');
      if (options.print) ctx.stdout.writeText(unitForThisMachine(installation));
      else await installService(ctx, installation);
    });

  addShowCommand(server, ctx);
};

interface ShowOptions extends ConnectionOptions, ResultOptions {
  readonly signerCa?: boolean;
}

function addShowCommand(server: Command, ctx: CliContext): void {
  addConnectionOptions(server.command('show').description('show what the control server says of itself'))
    .option('--signer-ca', 'print the certificate that hosts check its orders with, PEM, and nothing else')
    .option('--json', 'as JSON')
    .action(async (options: ShowOptions) => {
      const { client, endpoint } = connect(ctx, options);
      const about = await client.call('DescribeServer', {});
      const rows = [
        ['server', endpoint],
        ['version', about.version],
        ['S3 API', about.s3Endpoint],
        ['bucket of revisions', about.revisionBucket],
        ['region', about.region],
        ['account', about.accountId],
        ['signs orders', about.signsOrders === true ? 'yes' : 'no'],
      ];
      const pem = about.signerCaCertificatePem.trimEnd().split('\n');
      printResult(ctx, options, about, options.signerCa === true ? pem : renderTable(rows));
    });
}

function addServerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--data-dir <dir>', 'database, keys and revisions').env('SLIPWAY_DATA_DIR').default(DEFAULT_DATA_DIR),
    )
    .addOption(
      new Option('--listen <host:port>', 'the API, for hosts and people')
        .env('SLIPWAY_LISTEN')
        .argParser(parseListenAddress)
        .default({ host: '127.0.0.1', port: 8400 }, '127.0.0.1:8400'),
    )
    .addOption(
      new Option('--s3-listen <host:port>', 'the S3 API for revisions')
        .env('SLIPWAY_S3_LISTEN')
        .argParser(parseListenAddress)
        .default({ host: '127.0.0.1', port: 8401 }, '127.0.0.1:8401'),
    )
    .addOption(
      new Option('--public-s3-endpoint <url>', 'address of the S3 API as hosts see it; else the one listened on').env(
        'SLIPWAY_PUBLIC_S3_ENDPOINT',
      ),
    )
    .addOption(new Option('--database <url>', 'postgres://… instead of the embedded database').env('SLIPWAY_DATABASE'))
    .addOption(
      new Option('--region <region>', 'region in the names of resources').env('SLIPWAY_REGION').default('us-east-1'),
    )
    .addOption(
      new Option('--account-id <digits>', 'account in the names of resources')
        .env('SLIPWAY_ACCOUNT_ID')
        .default('000000000000'),
    )
    .addOption(
      new Option('--tls-cert <file>', 'certificate chain, PEM; both ports then speak HTTPS').env('SLIPWAY_TLS_CERT'),
    )
    .addOption(new Option('--tls-key <file>', 'private key, PEM').env('SLIPWAY_TLS_KEY'));
}

async function runServer(ctx: CliContext, options: ServerOptions): Promise<void> {
  if (!/^\d{12}$/.test(options.accountId)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `--account-id '${options.accountId}' is not 12 digits`);
  }
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--tls-cert and --tls-key go together');
  }
  const { startServer } = await import('../../server/main.ts');
  const { createServerLogger } = await import('../../logging/create-logger.ts');
  const { notifyServiceManager } = await import('../../system/service-manager.ts');
  const log = createServerLogger();
  endOnUnforeseenFaults(log);
  const server = await startServer({
    dataDir: options.dataDir,
    ...(options.database === undefined ? {} : { databaseUrl: options.database }),
    host: options.listen.host,
    port: options.listen.port,
    s3Host: options.s3Listen.host,
    s3Port: options.s3Listen.port,
    ...(options.publicS3Endpoint === undefined ? {} : { publicS3Endpoint: options.publicS3Endpoint }),
    region: options.region,
    accountId: options.accountId,
    ...(options.tlsCert === undefined || options.tlsKey === undefined
      ? {}
      : { tls: { certFile: options.tlsCert, keyFile: options.tlsKey } }),
    version: packageVersion(),
    log,
    clock: ctx.clock,
    random: ctx.random,
  });
  ctx.stdout.write(`slipway server: API on ${server.url}, revisions on ${server.s3Url}\n`);
  await notifyServiceManager(ctx.env, 'READY=1');
  if (!ctx.interrupted.aborted) {
    await new Promise<void>((resolve) => ctx.interrupted.addEventListener('abort', () => resolve(), { once: true }));
  }
  await notifyServiceManager(ctx.env, 'STOPPING=1');
  await server.close();
}

/** How long the last line of the log may take to be written. */
const LAST_LINE_MS = 1_000;

/** A fault that nothing has caught leaves the server in a state that nobody knows: it says why in one line, and its service starts it anew. */
function endOnUnforeseenFaults(log: ClosableLogger): void {
  // The log says it in place of the command line, which would end the process first.
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => {
    const end = () => process.exit(exitStatus('internal'));
    // What fails while the line is written does not say it twice.
    process.on('uncaughtException', () => undefined);
    log.error('the server has met a fault that nothing in it handles, and ends', { error });
    setTimeout(end, LAST_LINE_MS);
    void log.close().then(end, end);
  });
}
