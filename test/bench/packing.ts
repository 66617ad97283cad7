/**
 * `npm run bench:packing`: the program with a private runtime, as packages have it, beside one executable that Node makes of both.
 *
 * A figure a line for each: size on disk, download, cold start to the first poll, and the memory of the idle agent. Starts take turns; times are
 * medians. The one executable holds the command line and the agent alone, without the programs that carry out commands: it could only grow.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPackage, bundle } from '../../build.ts';
import { ARCHITECTURES } from '../../packaging/architecture.ts';
import { runtimeOf } from '../../packaging/runtime.ts';
import { systemClock } from '../../src/system/clock.ts';
import { eventually } from '../support/eventually.ts';
import { answeringServer } from '../support/http-server.ts';
import { programOptions, wholeNumber } from '../support/program-options.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { enrolHost, startControlServer } from '../support/slipway.ts';
import { median } from './figures.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const { rounds } = programOptions('bench:packing', {
  rounds: wholeNumber('starts of each', { least: 1, most: 1_000, otherwise: 15 }),
});
const SETTLE_MS = 20_000;
const MB = 1e6;

interface Packed {
  readonly name: string;
  /** All that it needs is in here. */
  readonly folder: string;
  readonly command: readonly string[];
}

using scratch = scratchFolder();
const packed = [await withRuntime(scratch), await asOneExecutable(scratch)];
for (const [name, starts] of await coldStarts(scratch)) {
  print(name, 'cold start to first poll', median(starts.map(({ tookMs }) => tookMs)), 'ms');
  print(name, 'the same, CPU', median(starts.map(({ cpuMs }) => cpuMs)), 'ms');
}
for (const one of packed) {
  const { rss, own } = await idleMemory(one);
  print(one.name, 'idle agent, RSS', rss / MB, 'MB');
  print(one.name, 'idle agent, private', own / MB, 'MB');
}
for (const { name, folder } of packed) {
  print(name, 'size on disk', sizeOf(folder) / MB, 'MB');
  print(name, 'download', downloadOf(scratch, folder) / MB, 'MB');
}

function print(name: string, what: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(18)} ${what.padEnd(26)} ${value.toFixed(1).padStart(8)} ${unit}\n`);
}

function runtime(): string {
  const [architecture] = ARCHITECTURES.filter(({ deb }) => deb === (process.arch === 'arm64' ? 'arm64' : 'amd64'));
  if (architecture === undefined) throw new Error(`no package is made for ${process.arch}`);
  return runtimeOf(PROJECT, architecture, join(PROJECT, 'node_modules/.cache/slipway-packages')).program;
}

async function withRuntime({ at }: ScratchFolder): Promise<Packed> {
  const folder = at('runtime');
  mkdirSync(join(folder, 'runtime'), { recursive: true });
  await buildPackage(join(folder, 'dist'));
  for (const name of ['bin', 'package.json', 'schema', 'systemd']) {
    cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  }
  const node = join(folder, 'runtime/slipway-node');
  copyFileSync(runtime(), node);
  return { name: 'private runtime', folder, command: [node, join(folder, 'bin/slipway.js')] };
}

async function asOneExecutable({ at }: ScratchFolder): Promise<Packed> {
  const [sources, folder] = [at('one-sources'), at('one')];
  // The program looks for these beside itself.
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const name of ['bin/slipway.js', 'package.json']) cpSync(join(PROJECT, name), join(folder, name));
  await bundle({ main: 'src/cli/main.ts' }, sources, [], false);
  const output = join(folder, 'slipway');
  const config = at('one.json');
  const node = runtime();
  const settings = { main: join(sources, 'main.js'), mainFormat: 'module', executable: node, output };
  writeFileSync(config, JSON.stringify({ ...settings, disableExperimentalSEAWarning: true, useCodeCache: true }));
  execFileSync(node, [`--build-sea=${config}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  return { name: 'one executable', folder, command: [output] };
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** Packed as in a package for Debian. */
function downloadOf({ at }: ScratchFolder, folder: string): number {
  const archive = at('download.tar.xz');
  execFileSync('tar', ['-cf', archive, '--use-compress-program=xz -3', '-C', folder, '.']);
  const { size } = statSync(archive);
  rmSync(archive);
  return size;
}

interface Start {
  readonly tookMs: number;
  /** Time of all threads; it is the same on a busy machine. */
  readonly cpuMs: number;
}

/** From the start of the process to the first request on the wire. */
async function coldStarts({ at }: ScratchFolder): Promise<ReadonlyMap<string, readonly Start[]>> {
  let heard: () => void = () => {};
  await using server = await answeringServer(() => {
    heard();
    return { body: '{}' };
  });
  const configFile = writeConfig(at('cold'), server.url);
  const times = new Map<string, Start[]>(packed.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, command } of packed) {
      const polled = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const startedMs = performance.now();
      const agent = start(command, configFile);
      const ended = once(agent, 'exit').then(() =>
        Promise.reject(new Error(`${name}: the agent ended before it polled`)),
      );
      ended.catch(() => undefined);
      await Promise.race([polled, ended]);
      // The first one only fills the caches.
      const tookMs = performance.now() - startedMs;
      if (round > 0) times.get(name)?.push({ tookMs, cpuMs: cpuOf(agent.pid ?? 0) });
      agent.kill('SIGTERM');
      await ended.catch(() => undefined);
    }
  }
  return times;
}

/** Milliseconds on a processor so far. @see proc(5), schedstat */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]));
  return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}

function writeConfig(folder: string, url: string): string {
  mkdirSync(folder);
  const identity = join(folder, 'host.yml');
  writeFileSync(
    identity,
    'region: us-east-1\niam_user_arn: arn:aws:iam::000000000000:user/web-1\naws_access_key_id: AKIDEXAMPLE\naws_secret_access_key: secret\n',
    { mode: 0o600 },
  );
  const settings = { deploy_control_endpoint: url, on_premises_config_file: identity };
  const folders = { root_dir: join(folder, 'root'), log_dir: join(folder, 'log'), pid_dir: join(folder, 'pid') };
  const file = join(folder, 'config.yml');
  writeFileSync(file, JSON.stringify({ ...settings, ...folders }));
  return file;
}

function start([program = '', ...args]: readonly string[], configFile: string) {
  return spawn(program, [...args, 'agent', '--config-file', configFile], { stdio: 'ignore' });
}

/** In bytes, of an agent whose poll the real server holds, after a while. */
async function idleMemory({ name, command }: Packed): Promise<{ readonly rss: number; readonly own: number }> {
  const folder = scratch.at(`idle-${name.replaceAll(' ', '-')}`);
  await using server = await startControlServer(join(folder, 'server'));
  const host = await enrolHost(server, join(folder, 'host'), 'web-1');
  const agent = start(command, host.configFile);
  try {
    await systemClock.sleep(SETTLE_MS);
    await eventually(() => agent.exitCode === null && agent.pid !== undefined);
    const text = readFileSync(`/proc/${agent.pid}/smaps_rollup`, 'utf8');
    const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]) * 1024;
    return { rss: bytes('Rss'), own: bytes('Private_Clean') + bytes('Private_Dirty') };
  } finally {
    agent.kill('SIGTERM');
    if (agent.exitCode === null) await once(agent, 'exit');
  }
}
