/** `slipway server init`: the settings, the authority and the certificate of a new server, from one address. */
import type { Command } from 'commander';
import { SlipwayError } from '../../errors.ts';
import { lookupGroup } from '../../system/users.ts';
import { collect, parseFolder, parseListenAddress } from '../arguments.ts';
import type { CliContext } from '../context.ts';
import { isSystemPackage } from '../package-root.ts';
import { parseCertificateName } from '../server-init/address.ts';
import { FIRST_WITH_CREDENTIALS, systemdVersionIn } from '../server-init/credentials.ts';
import { type InitAnswers, type InitPlan, planInit, SERVICE_SETTINGS_FILE } from '../server-init/plan.ts';
import { environmentTemplate } from '../service/environment-file.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface InitOptions extends ResultOptions {
  readonly address?: string;
  readonly name?: readonly string[];
  readonly settingsFile?: string;
  readonly dataDir?: string;
  readonly listen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** The user that the service runs as, and its group. */
const SERVICE_USER = 'slipway';

/** @param server the command that the settings are for */
export function addInitCommand(server: Command, ctx: CliContext): void {
  server
    .command('init')
    .description(
      'set up a new server: write its settings, with a private authority and a certificate where none is given',
    )
    .option(
      '--address <address>',
      'host name or IP address, and port, that hosts reach the server by; else it is asked for',
    )
    .option(
      '--name <name>',
      'another name or IP address that the certificate is for; may be repeated',
      collect(parseCertificateName),
    )
    .option('--settings-file <file>', `where the settings go; else ${SERVICE_SETTINGS_FILE}, which the service reads`)
    .option(
      '--data-dir <dir>',
      'database, keys and revisions; else the service’s, or data beside the settings',
      parseFolder,
    )
    .option('--listen <host:port>', 'where the server listens, if not on the port of the address', checkListen)
    .option('--tls-cert <file>', 'certificate chain that is there, PEM; else one is made')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--json', 'as JSON')
    .action(async (options: InitOptions) => {
      const plan = planInit(await answersOf(ctx, options), ctx.workingDirectory);
      const { carryOutInit, checkInit } = await import('../server-init/carry-out.ts');
      const { describeSteps, nextSteps } = await import('../server-init/next-steps.ts');
      checkInit(plan);
      const context = {
        ...{ clock: ctx.clock, random: ctx.random },
        template: environmentTemplate('slipway-server', server.options),
        keyGroup: await keyGroupOf(plan),
        handsOver: await canHandOver(plan),
      };
      const written = await carryOutInit(context, plan, options.name ?? []);
      const { address, settingsFile, dataDir, tls } = plan;
      const steps = nextSteps(plan, isSystemPackage());
      const result = {
        ...{ endpoint: address.endpoint, settingsFile, dataDir, written, next: steps },
        ...(tls.kind === 'private' ? { authorityFile: tls.authorityFile } : {}),
      };
      printResult(ctx, options, result, [...written.map((file) => `wrote ${file}`), ...describeSteps(steps, plan)]);
    });
}

/** Asks at a terminal for what the flags do not say; an empty answer takes the value in brackets. */
async function answersOf(ctx: CliContext, options: InitOptions): Promise<InitAnswers> {
  const { tlsKey, listen, settingsFile = SERVICE_SETTINGS_FILE } = options;
  let { address, tlsCert } = options;
  const { ask } = ctx;
  const isAsked = address === undefined && ask !== null;
  const given = async (question: string) => (isAsked ? (await ask(question)).trim() : '');
  address ??= await given('address that hosts reach this server by, as deploy.example.com or 10.0.0.5:8400: ');
  if (address === '') {
    throw new SlipwayError('CLI_BAD_ARGUMENT', 'the address of the server is not given', {
      remedy: 'Give --address HOST or --address HOST:PORT: the name or IP address that hosts reach this machine by.',
    });
  }
  const base = { address, settingsFile, listen };
  // Asked with what stands in brackets already known to be right.
  const usual = planInit({ ...base, dataDir: options.dataDir, tlsCert, tlsKey }, ctx.workingDirectory);
  let { dataDir } = options;
  if (dataDir === undefined && !usual.isService) {
    dataDir = (await given(`folder for its data [${usual.dataDir}]: `)) || undefined;
  }
  let key = tlsKey;
  if (tlsCert === undefined && usual.address.isHttps) {
    tlsCert =
      (await given('file of its certificate, PEM [a private authority and a certificate are made]: ')) || undefined;
    if (tlsCert !== undefined) key ??= (await given('file of its private key, PEM: ')) || undefined;
  }
  return { ...base, dataDir, tlsCert, tlsKey: key };
}

/** The service's user must be there before its key is. */
async function keyGroupOf({ isService, tls }: InitPlan): Promise<number | null> {
  if (!isService || tls.kind !== 'private' || process.getuid?.() !== 0) return null;
  const { makeUser } = await import('../service/install.ts');
  await makeUser(SERVICE_USER);
  return lookupGroup(SERVICE_USER);
}

/** Without systemd, or with an old one, the service's user reads the files itself. */
async function canHandOver({ isService, tls }: InitPlan): Promise<boolean> {
  if (!isService || tls.kind === 'none' || process.getuid?.() !== 0) return false;
  const { execa } = await import('execa');
  const { stdout } = await execa('systemctl', ['--version'], { reject: false, stdin: 'ignore' });
  return (systemdVersionIn(stdout ?? '') ?? 0) >= FIRST_WITH_CREDENTIALS;
}

/** Kept as it was typed. */
function checkListen(text: string): string {
  parseListenAddress(text);
  return text;
}
