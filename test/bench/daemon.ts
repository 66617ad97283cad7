/**
 * Measures the agent's daemon, from the bundled build.
 *
 * The figures: start to first poll, memory and CPU of a daemon that long-polls the real control server, and how soon SIGTERM ends it. Also
 * how long a small deployment takes from CreateDeployment to Succeeded. Memory is what the kernel says in `/proc/PID/smaps_rollup`, CPU
 * what it says in `/proc/PID/stat`; times are medians over the rounds. Small bundles are in `small.ts`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createManagementClient } from '../../src/protocol/management/client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { trustAuthorities } from '../../src/system/trust.ts';
import { privateCertificates } from '../support/certificates.ts';
import { answeringServer } from '../support/http-server.ts';
import { hasPrograms } from '../support/programs.ts';
import { type Figure, median } from './figures.ts';
import { localFigures, smallDeployments } from './small.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = join(PROJECT, 'dist/cli/main.js');
const START_ROUNDS = 9;
const SETTLE_MS = 20_000;
const IDLE_MS = 60_000;
const CLOCK_TICKS = 100;

/** Over https but for the cold start, and where openssl is missing. Builds the bundle first. Memory is in millions of bytes. @param folder an empty one, for everything that is written */
export async function* daemonFigures(folder: string): AsyncGenerator<Figure> {
  execFileSync(process.execPath, ['build.ts'], { cwd: PROJECT });
  yield await coldStart(folder);
  yield* localFigures(folder, [process.execPath, ENTRY]);
  yield* againstServer(folder);
}

function figure(name: string, value: number, unit: Figure['unit'], goal: number): Figure {
  return { name, value, unit, floor: null, ratio: null, goal };
}

/** From the start of the process to the first request on the wire. */
async function coldStart(folder: string): Promise<Figure> {
  let heard: () => void = () => {};
  await using server = await answeringServer(() => {
    heard();
    return { body: '{}' };
  });
  const configFile = writeAgentConfig(join(folder, 'cold'), server.url, 'AKIDEXAMPLE', 'secret');
  const times: number[] = [];
  for (let round = 0; round <= START_ROUNDS; round += 1) {
    const polled = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const startedMs = performance.now();
    const agent = slipway(['agent', '--config-file', configFile]);
    await polled;
    // The first one only fills the caches.
    if (round > 0) times.push(performance.now() - startedMs);
    agent.kill('SIGTERM');
    await once(agent, 'exit');
  }
  return figure('cold start to first poll', median(times), 'ms', 400);
}

async function* againstServer(folder: string): AsyncGenerator<Figure> {
  const dataDir = join(folder, 'server');
  const key = JSON.parse(output(['keys', 'create', '--role', 'admin', '--data-dir', dataDir, '--json'])) as {
    accessKeyId: string;
    secretAccessKey: string;
  };
  // Over TLS with a private authority, as agents run on real hosts.
  const certificates = hasPrograms('openssl') ? await privateCertificates(folder) : null;
  if (certificates !== null) await trustAuthorities({ env: {}, caFile: certificates.caFile });
  const tls = certificates === null ? [] : ['--tls-cert', certificates.certFile, '--tls-key', certificates.keyFile];
  const listen = ['--listen', '127.0.0.1:0'];
  const server = slipway(['server', '--data-dir', dataDir, ...listen, ...tls]);
  const [, url = ''] = /API on (\S+),/.exec(await firstLine(server)) ?? [];
  const env = {
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_REGION: 'us-east-1',
    SLIPWAY_ENDPOINT_URL: url,
    ...(certificates === null ? {} : { SLIPWAY_CA_FILE: certificates.caFile }),
  };
  const host = join(folder, 'host');
  const dirs = ['--config-dir', join(host, 'conf'), '--state-dir', host];
  output(['register', '--instance-name', 'web-1', '--tag', 'Role=bench', ...dirs], env);
  const agent = slipway(['agent', '--config-file', join(host, 'conf', 'codedeployagent.yml')], env);
  try {
    await systemClock.sleep(SETTLE_MS);
    yield* memory(agent.pid ?? 0, 'idle daemon');
    yield await idleCpu(agent.pid ?? 0);
    const client = createManagementClient({
      endpoint: url,
      region: 'us-east-1',
      credentials: async () => key,
      clock: systemClock,
      proxyEnvironment: {},
    });
    yield* smallDeployments({ folder, client, slipway: (args) => output(args, env) });
    await systemClock.sleep(SETTLE_MS);
    yield* memory(agent.pid ?? 0, 'daemon after small deployments');
    const startedMs = performance.now();
    agent.kill('SIGTERM');
    await once(agent, 'exit');
    yield figure('SIGTERM while idle', performance.now() - startedMs, 'ms', 200);
  } finally {
    for (const child of [agent, server]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
}

function* memory(pid: number, name: string): Generator<Figure> {
  const kib = (field: string): number =>
    [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(new RegExp(`^${field}:\\s+(\\d+)`, 'gm'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  yield figure(`${name}: RSS`, (kib('Rss') * 1024) / 1e6, 'MB', 65);
  yield figure(`${name}: private`, (kib('Private_\\w+') * 1024) / 1e6, 'MB', 20);
}

async function idleCpu(pid: number): Promise<Figure> {
  const before = cpuTicks(pid);
  await systemClock.sleep(IDLE_MS);
  return figure('idle daemon: CPU a minute', (cpuTicks(pid) - before) / CLOCK_TICKS, 's', 0.05);
}

/** User and system time; the name of the program, in parentheses, may hold blanks. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function slipway(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...baseEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return child;
}

function output(args: readonly string[], env: Record<string, string> = {}): string {
  return execFileSync(process.execPath, [ENTRY, ...args], { env: { ...baseEnvironment(), ...env }, encoding: 'utf8' });
}

function baseEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS_|SLIPWAY_|NODE_OPTIONS|NODE_EXTRA_CA|SSL_CERT)/.test(name)),
  );
}

async function firstLine(child: ReturnType<typeof slipway>): Promise<string> {
  for await (const chunk of child.stdout ?? []) return String(chunk);
  throw new Error('the server did not start');
}

function writeAgentConfig(root: string, endpoint: string, accessKeyId: string, secretAccessKey: string): string {
  mkdirSync(root);
  const onPremises = join(root, 'onpremises.yml');
  const identity = {
    region: 'us-east-1',
    iam_user_arn: 'arn:aws:iam::1:user/h',
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
  };
  writeFileSync(onPremises, JSON.stringify(identity), { mode: 0o600 });
  const config = {
    root_dir: join(root, 'root'),
    log_dir: join(root, 'log'),
    pid_dir: join(root, 'pid'),
    wait_between_runs: 1,
    deploy_control_endpoint: endpoint,
    on_premises_config_file: onPremises,
  };
  const file = join(root, 'agent.yml');
  writeFileSync(file, JSON.stringify(config));
  return file;
}
