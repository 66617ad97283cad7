import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { openKeyStore } from '../../src/server/secrets/key-store.ts';
import type { NewAccessKey } from '../../src/server/store/access-keys.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { putNewServer } from './new-data-folder.ts';
import { slipwayProgram } from './program-under-test.ts';
import { suiteDatabase, suiteEnvironment } from './suite-database.ts';

/** The program that tests start: the built one in `npm test`, else the sources. */
export const SLIPWAY = slipwayProgram();

/** How a command of the real program ended. */
export interface FinishedCommand {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs `slipway ARGS` as a process of its own, to its end. */
export async function runSlipway(
  args: readonly string[],
  env: Environment = {},
  program = SLIPWAY,
): Promise<FinishedCommand> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...cleanEnvironment(), ...suiteEnvironment(args, env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: stripVTControlCharacters(stdout), stderr };
}

/** A long-running `slipway` process; its standard error goes to a file. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  readonly stderrFile: string;
  readonly firstLine: Promise<string>;
  readonly exited: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** Its log so far. */
  log(): string;
}

export function startDaemon(
  args: readonly string[],
  options: {
    readonly env?: Environment;
    readonly stderrFile: string;
    readonly program?: string;
    /** Is open when the process begins, with a number above a gap, as a careless supervisor leaves it. */
    readonly inheritedFile?: string;
  },
): Daemon {
  const command = [process.execPath, options.program ?? SLIPWAY, ...args];
  const { inheritedFile } = options;
  const [file = '', ...words] =
    inheritedFile === undefined
      ? command
      : ['bash', '-c', 'file="$0"; exec "$@" 9<"$file" 200<"$file"', inheritedFile, ...command];
  // It writes there itself. By a pipe to this process, its log would come later than what it says on its standard output, and than its end.
  const stderr = openSync(options.stderrFile, 'a');
  const child: ChildProcess = spawn(file, words, {
    env: { ...cleanEnvironment(), ...suiteEnvironment(args, options.env), ...options.env },
    stdio: ['ignore', 'pipe', stderr],
  });
  closeSync(stderr);
  const exited = once(child, 'exit').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  return {
    pid: child.pid ?? 0,
    stderrFile: options.stderrFile,
    firstLine: firstLine(child),
    exited,
    kill: (signal) => void child.kill(signal),
    log: () => (existsSync(options.stderrFile) ? readFileSync(options.stderrFile, 'utf8') : ''),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('close', () => resolve(text));
  });
}

/** The test runner's environment without what would change how Slipway behaves. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS_|SLIPWAY_|NODE_OPTIONS|VITEST|NOTIFY_SOCKET)/.test(name)),
  );
}

/** A control server as a process of its own, with an admin's key in its environment for commands. */
export interface ControlServer extends AsyncDisposable {
  readonly url: string;
  readonly s3Url: string;
  readonly dataDir: string;
  readonly daemon: Daemon;
  /** For `runSlipway`: endpoint, region and an admin's key. */
  readonly env: Record<string, string>;
}

/**
 * Starts a server on a data folder; the second start on the same folder goes on with what is there, on the same ports.
 * @param args more arguments for `slipway server`
 * @param env more variables for it
 * @param program the built one; else the sources
 */
export async function startControlServer(
  dataDir: string,
  again?: Pick<ControlServer, 'url' | 's3Url' | 'env'>,
  args: readonly string[] = [],
  env: Environment = {},
  program = SLIPWAY,
): Promise<ControlServer> {
  const address = (url: string | undefined) => (url === undefined ? '127.0.0.1:0' : new URL(url).host);
  let keyEnv: Record<string, string> | undefined = again?.env;
  if (keyEnv === undefined) {
    const at = args.indexOf('--database');
    const key = await firstKey(dataDir, at < 0 ? suiteDatabase(dataDir) : (args[at + 1] ?? null));
    keyEnv = {
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_REGION: 'us-east-1',
    };
  }
  const daemon = startDaemon(['server', '--data-dir', dataDir, '--listen', address(again?.url), ...args], {
    ...{ stderrFile: `${dataDir}.log`, env, program },
  });
  const line = await daemon.firstLine;
  const [, url, s3Url] = /API on (\S+), revisions on (\S+)/.exec(line) ?? [];
  if (url === undefined || s3Url === undefined) throw new Error(`the server did not start: '${line}'\n${daemon.log()}`);
  return {
    url,
    s3Url,
    dataDir,
    daemon,
    env: { ...keyEnv, SLIPWAY_ENDPOINT_URL: url },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** Makes what `keys create` makes, without a process for it. */
async function firstKey(dataDir: string, databaseUrl: string | null): Promise<NewAccessKey> {
  if (databaseUrl === null) await putNewServer(dataDir);
  const where = databaseUrl === null ? { dataDir } : { dataDir, databaseUrl };
  const keys = await openKeyStore({ ...where, mayBeNew: true, clock: systemClock, random: systemRandom });
  try {
    return await keys.create({ role: 'admin', hostArn: null, description: '' });
  } finally {
    await keys.close();
  }
}

/** A host that is enrolled, and what is needed to start its agent, again and again. */
export interface EnrolledHost {
  readonly name: string;
  readonly folder: string;
  readonly configFile: string;
  readonly rootDir: string;
  /**
   * @param env beside the test runner's own, without what would change how Slipway behaves
   * @param program the built one; else the sources
   */
  startAgent(env?: Environment, program?: string): Daemon;
}

export async function enrolHost(
  server: ControlServer,
  folder: string,
  name: string,
  tag = 'Role=test',
): Promise<EnrolledHost> {
  const configDir = join(folder, 'conf');
  const registered = await runSlipway(
    ['register', '--instance-name', name, '--tag', tag, '--config-dir', configDir, '--state-dir', folder],
    server.env,
  );
  if (registered.status !== 0) throw new Error(`register failed: ${registered.stderr}`);
  const configFile = join(configDir, 'codedeployagent.yml');
  return {
    name,
    folder,
    configFile,
    rootDir: join(folder, 'deployment-root'),
    startAgent: (env = {}, program = SLIPWAY) =>
      startDaemon(['agent', '--config-file', configFile], { env, stderrFile: join(folder, 'agent.log'), program }),
  };
}
