/** Attacks on the person who reads. Words of a server, a store, a bundle, a host and a script that a terminal or a build server would obey. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { privateCertificates } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { hostileAnswers } from '../support/hostile/answers.ts';
import { hostileBundle } from '../support/hostile/bundle.ts';
import { startHostileServer } from '../support/hostile/server.ts';
import { HOSTILE, HOSTILE_ARGUMENT, obeyed } from '../support/hostile/text.ts';
import { SLIPWAY, startDaemon } from '../support/slipway.ts';
import type { Attack } from './attack.ts';

const PROMISE = 'no terminal, log or build server obeys what strangers wrote';

/** Runs a command to its end and looks at the very bytes that it wrote. @returns what it wrote */
async function showsNothing(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<string> {
  const child = spawn(process.execPath, [SLIPWAY, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'close')]);
  clearTimeout(killer);
  assert.ok(stdout.length + stderr.length > 0, `slipway ${args.join(' ')} said nothing`);
  for (const output of [stdout, stderr]) {
    const found = obeyed(output.toString('utf8'));
    assert.equal(found, null, `slipway ${args.join(' ')} wrote ${found}`);
  }
  return `${stdout}${stderr}`;
}

async function withHostileServer(
  answers: Readonly<Record<string, unknown>>,
  work: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  await using server = await startHostileServer(answers);
  await work({
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
    SLIPWAY_ENDPOINT_URL: server.url,
  });
}

/** Every command is tried by test/cli/every-command.test.ts; these are enough to see the bytes of the real process. */
const READING = [
  ['hosts', 'list'],
  ['deployments', 'list'],
  ['deployments', 'show', 'd-ABCDEFGHI'],
  ['deployments', 'stop', 'd-ABCDEFGHI'],
  ['applications', 'list'],
  ['groups', 'list'],
];
const FOLLOWING = [
  ...['deploy', '--application', HOSTILE_ARGUMENT, '--group', HOSTILE_ARGUMENT],
  ...['--revision', 's3://bucket/bundle.zip'],
];

interface HostFiles {
  readonly configFile: string;
  readonly logDir: string;
}

/** A host that fetches from the store, with the store's keys. */
function hostOf(folder: string, settings: Readonly<Record<string, unknown>>): HostFiles {
  const at = (name: string) => join(folder, name);
  const identity = {
    host_arn: 'arn:aws:iam::000000000000:user/host',
    iam_user_arn: 'arn:aws:iam::000000000000:user/host',
    aws_access_key_id: 'AKIDEXAMPLE',
    aws_secret_access_key: 'secret',
    region: 'us-east-1',
  };
  writeFileSync(at('identity.yml'), JSON.stringify(identity));
  const own = {
    root_dir: at('root'),
    log_dir: at('logs'),
    pid_dir: folder,
    on_premises_config_file: at('identity.yml'),
  };
  writeFileSync(at('agent.yml'), JSON.stringify({ ...own, ...settings }));
  return { configFile: at('agent.yml'), logDir: at('logs') };
}

const COMMIT = 'a'.repeat(40);

/** Sends what is no SSH, in the line in which a server says what it speaks. */
async function withHostileSsh(work: (address: string) => Promise<void>): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${HOSTILE.replaceAll('\n', '\r\n')}\r\nSSH-${HOSTILE}\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  try {
    await work(`127.0.0.1:${address.port}`);
  } finally {
    server.close();
    await once(server, 'close');
  }
}

async function attackByStores(folder: string): Promise<void> {
  const certificates = await privateCertificates(folder);
  await using store = await startHostileServer({}, certificates);
  const { configFile, logDir } = hostOf(folder, {
    s3_endpoint_override: store.url,
    github_endpoint: store.url,
    ca_file: certificates.caFile,
  });
  const { host } = new URL(store.url);
  const locations = [
    's3://bucket/bundle.zip',
    'https://github.com/owner/repository',
    `git+https://${host}/repository.git#${COMMIT}`,
    `https://${host}/bundle.tgz#sha256=${'b'.repeat(64)}`,
  ];
  await withHostileSsh(async (address) => {
    const all = [...locations, `git+ssh://git@${address}/repository.git#${COMMIT}`];
    const deploy = async (location: string, index: number) => {
      const words = ['local', '--bundle-location', location, '--type', 'zip', '-c', configFile];
      const said = await showsNothing([...words, '--deployment-group', `group-${index}`], {}, folder);
      assert.match(said, /DownloadBundle failed/);
    };
    await Promise.all(all.map(deploy));
  });
  logsHoldNothing(logDir);
}

function logsHoldNothing(logDir: string): void {
  const logs = readdirSync(logDir).map((name) => readFileSync(join(logDir, name), 'utf8'));
  assert.ok(logs.length > 0, 'there is no log');
  for (const log of logs) assert.equal(obeyed(log), null);
}

/** An agent whose every poll is refused with such words. */
async function attackAgent(folder: string): Promise<void> {
  await using server = await startHostileServer({});
  const { configFile, logDir } = hostOf(folder, { deploy_control_endpoint: server.url, [HOSTILE]: HOSTILE });
  const stderrFile = join(folder, 'stderr');
  {
    await using _agent = startDaemon(['agent', '--config-file', configFile], { stderrFile });
    await eventually(() => server.asked.size > 0, { withinMs: 20_000 });
    await eventually(() => /polling failed/.test(readFileSync(stderrFile, 'utf8')), { withinMs: 20_000 });
    await showsNothing(['status', '--config-file', configFile]);
    await showsNothing(['doctor', '--config-file', configFile]);
    await showsNothing(['logs', '--config-file', configFile]);
  }
  assert.equal(obeyed(readFileSync(stderrFile, 'utf8')), null);
  logsHoldNothing(logDir);
}

export const TERMINAL_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'a control server sends orders in every text of its answers',
    limitSeconds: 120,
    run: () =>
      withHostileServer(hostileAnswers('Failed'), async (env) => {
        for (const args of READING) await showsNothing(args, env);
        await showsNothing(FOLLOWING, env);
        await showsNothing([...FOLLOWING, '--json'], env);
      }),
  },
  {
    promise: PROMISE,
    name: 'a control server sends orders in its errors',
    limitSeconds: 120,
    run: () =>
      withHostileServer({}, async (env) => {
        for (const args of [...READING.slice(0, 2), FOLLOWING]) await showsNothing([...args, '--verbose'], env);
      }),
  },
  {
    promise: PROMISE,
    name: 'S3, GitHub, git, a web server and an SSH server send orders in their errors',
    limitSeconds: 120,
    run: ({ folder }) => attackByStores(folder),
  },
  {
    promise: PROMISE,
    name: 'an agent is refused with orders, and its configuration holds some',
    limitSeconds: 120,
    run: ({ folder }) => attackAgent(folder),
  },
  {
    promise: PROMISE,
    name: 'a bundle and its scripts bring orders in names, keys and output',
    limitSeconds: 120,
    async run({ folder }) {
      mkdirSync(join(folder, 'bundles'));
      const root = hostileBundle(join(folder, 'bundles'), 'bundle');
      const { configFile } = hostOf(folder, {});
      const local = ['local', '--bundle-location', root, '--type', 'directory', '-c', configFile];
      await showsNothing(['validate', root]);
      await showsNothing(['validate', join(root, 'broken.yml')]);
      await showsNothing(local);
      await showsNothing([...local, '--appspec-filename', 'broken.yml']);
      await showsNothing(['logs', 'latest', '--config-file', configFile]);
      await showsNothing(['validate', HOSTILE_ARGUMENT]);
    },
  },
];
