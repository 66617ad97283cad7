import { join } from 'node:path';
import type { Command } from 'commander';
import type { ClosableLogger } from '../../logging/create-logger.ts';
import type { Days } from '../arguments.ts';
import type { AddCommand, Conclude } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitStatus } from '../exit-status.ts';
import { CONSOLE_FOLDER, packageRoot } from '../package-root.ts';
import { packageVersion } from '../package-version.ts';
import {
  addServerOptions,
  checkPublicS3Endpoint,
  checkServerOptions,
  DEFAULT_DATA_DIR,
  rateLimitsOf,
  type ServerOptions,
  usedServerOptions,
} from '../server-options.ts';
import { environmentTemplate } from '../service/environment-file.ts';
import { signerCaOf } from '../signer-ca.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { addBackupCommands } from './server-backup.ts';
import { addGitTokenCommands } from './server-git-tokens.ts';
import { addInitCommand } from './server-init.ts';
import { addServerSettings } from './server-settings.ts';
import { addTokenCommands } from './server-tokens.ts';
import { addInstallAction } from './service-install.ts';

export const addServerCommand: AddCommand = (program, ctx, conclude) => {
  const server = program.command('server').description('run the control server in the foreground');
  // `server doctor --data-dir X` means doctor's flag, not server's.
  addServerOptions(server)
    .enablePositionalOptions()
    .action((options: ServerOptions) => runServer(ctx, options));
  addServerDoctor(server, ctx, conclude);

  addInitCommand(server, ctx);
  const install = server
    .command('install')
    .description('put the server in place as a systemd service and start it; settings go to /etc/slipway/server.env');
  addInstallAction(install, ctx, () => ({
    name: 'slipway-server',
    args: ['server', '--data-dir', DEFAULT_DATA_DIR],
    user: 'slipway',
    hiddenFolders: ['/home', '/root', '/tmp', '/var/tmp'],
    environmentFile: {
      path: '/etc/slipway/server.env',
      template: environmentTemplate('slipway-server', server.options),
    },
  }));

  addShowCommand(server, ctx);
  addBackupCommands(server, ctx);
  addServerSettings(server, ctx);
  addTokenCommands(server, ctx);
  addGitTokenCommands(server, ctx);
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
        ['S3 API', about.s3Endpoint ?? endpoint],
        ['bucket of revisions', about.revisionBucket],
        ['region', about.region],
        ['account', about.accountId],
        ['signs orders', about.signsOrders === true ? 'yes' : 'no'],
      ];
      const lines = options.signerCa === true ? signerCaOf(about).trimEnd().split('\n') : renderTable(rows);
      printResult(ctx, options, about, lines);
    });
}

function addServerDoctor(server: Command, ctx: CliContext, conclude: Conclude): void {
  const doctor = server
    .command('doctor')
    .description('look for what keeps the server of this machine from working, and say what to do about it')
    .option('--json', 'findings as JSON')
    .option('--ca-file <file>', 'the authority that hosts trust; else SLIPWAY_CA_FILE, or the agent’s ca_file');
  for (const { flags, description } of server.options) {
    doctor.option(flags, `${description}; else as the service or the running server has it`);
  }
  doctor.action(async (options: { json?: boolean; caFile?: string }) => {
    const { caFileOf } = await import('../connection.ts');
    const { examineServer } = await import('../doctor/server/examine.ts');
    const { findingLines, hasFault } = await import('../doctor/report.ts');
    const given = server.options.flatMap((option) => {
      const value: unknown = doctor.getOptionValue(option.attributeName());
      return typeof value === 'string' ? [`${option.long}=${value}`] : [];
    });
    const findings = await examineServer(ctx, given, await caFileOf(ctx, options));
    printResult(ctx, options, findings, findingLines(findings));
    if (hasFault(findings)) conclude('failed');
  });
}

async function runServer(ctx: CliContext, given: ServerOptions): Promise<void> {
  const options = usedServerOptions(given, ctx.workingDirectory);
  checkServerOptions(options);
  checkPublicS3Endpoint(options);
  const { startServer } = await import('../../server/main.ts');
  const { readableTlsFiles } = await import('../../server/tls-files.ts');
  const { createServerLogger } = await import('../../logging/create-logger.ts');
  const { notifyServiceManager } = await import('../../system/service-manager.ts');
  const log = createServerLogger();
  endOnUnforeseenFaults(log);
  const { CREDENTIALS_DIRECTORY: credentialsFolder } = ctx.env;
  const server = await startServer({
    dataDir: options.dataDir,
    ...(options.database === undefined ? {} : { databaseUrl: options.database }),
    host: options.listen.host,
    port: options.listen.port,
    ...(options.s3Listen === undefined ? {} : { s3Listen: options.s3Listen }),
    ...(options.s3Domain === undefined ? {} : { s3Domain: options.s3Domain }),
    ...(options.publicS3Endpoint === undefined ? {} : { publicS3Endpoint: options.publicS3Endpoint }),
    ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
    ...(options.metricsListen === undefined ? {} : { metricsListen: options.metricsListen }),
    region: options.region,
    accountId: options.accountId,
    zoneTag: options.zoneTag,
    ...(options.loadBalancers === undefined ? {} : { loadBalancersFile: options.loadBalancers }),
    ...(options.awsRegion === undefined ? {} : { awsRegion: options.awsRegion }),
    ...(options.alarms === undefined ? {} : { alarmsFile: options.alarms }),
    ...(options.fleets === undefined ? {} : { fleetsFile: options.fleets }),
    ...(options.hooks === undefined ? {} : { hooksFile: options.hooks }),
    ...(options.oidc === undefined ? {} : { oidcFile: options.oidc }),
    takesSeveralPairs: options.severalPairs === 'on',
    ...(options.trafficMinuteMs === undefined ? {} : { trafficMinuteMs: options.trafficMinuteMs }),
    ...(options.webhooks === undefined ? {} : { webhooksFile: options.webhooks }),
    ...(options.tlsCert === undefined || options.tlsKey === undefined
      ? {}
      : { tls: readableTlsFiles({ certFile: options.tlsCert, keyFile: options.tlsKey }, credentialsFolder) }),
    retention: {
      deploymentsMs: millisecondsOf(options.keepDeployments),
      diagnosticsMs: millisecondsOf(options.keepDiagnostics),
      revisionsMs: millisecondsOf(options.keepRevisions),
      auditMs: millisecondsOf(options.keepAudit),
    },
    liveLogs: options.liveLogs === 'on',
    rates: rateLimitsOf(options),
    consoleDir: join(packageRoot(), CONSOLE_FOLDER),
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

/** null: for ever. */
function millisecondsOf(days: Days): number | null {
  return days === 'forever' ? null : days * 24 * 60 * 60_000;
}

/** How long the last line of the log may take to be written. */
const LAST_LINE_MS = 1_000;

/**
 * An uncaught fault leaves the server in a state that nobody knows. So it logs why in one line and ends, and its service starts it anew.
 */
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
