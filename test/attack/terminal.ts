/** Attacks on the person who reads: words of a server, a bundle, a host and a script that a terminal or a build server would obey. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SLIPWAY } from '../support/slipway.ts';
import type { Attack } from './attack.ts';

const PROMISE = 'no terminal, log or build server obeys what strangers wrote';

/** Each would be obeyed by something: a terminal in 7 or 8 bits, a reader's eye, a runner of GitHub, Azure or TeamCity. */
const ORDERS = [
  '\x1b[2J\x1b[31mred',
  '\x1b]0;title\x07',
  '\x1b]8;;http://stranger.example\x1b\\link',
  '\x9b31mred\x9d0;title\x9c',
  'a\rslipway: done',
  'a\b\b\x7f\0',
  'a\u202etxt.exe\u2066\u200b',
  'a\u2028::error::b\u2029c',
  'a\n::error file=x::made up',
  'a\r\n  ::set-output name=x::y',
  'a\n##vso[task.setvariable variable=x]y',
  'a\n##[error]made up',
  "a\n##teamcity[buildStatus status='SUCCESS']",
  'a\v::error::b\fc\x85d',
];
const HOSTILE = ORDERS.join(' ');

/** What of the bytes would be obeyed, or begins a line as only Slipway itself may. */
function obeyed(text: string): string | null {
  const control = /(?!\n|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.exec(text);
  if (control !== null) return JSON.stringify(text.slice(Math.max(0, control.index - 60), control.index + 20));
  const order = text.split('\n').find((line) => /^\s*::|##\w{0,16}\[|^(?::\\u003a|##)/.test(line));
  return order === undefined ? null : JSON.stringify(order);
}

/** Runs a command to its end and looks at the very bytes that it wrote. */
async function showsNothing(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<void> {
  const child = spawn(process.execPath, [SLIPWAY, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'close')]);
  clearTimeout(killer);
  assert.ok(stdout.length + stderr.length > 0, `slipway ${args.join(' ')} said nothing`);
  for (const output of [stdout, stderr]) {
    const found = obeyed(output.toString('utf8'));
    assert.equal(found, null, `slipway ${args.join(' ')} wrote ${found}`);
  }
}

const hostile = { message: HOSTILE, code: HOSTILE };
const EVENTS = ['Succeeded', 'Failed', 'InProgress', HOSTILE].map((status) => ({
  lifecycleEventName: HOSTILE,
  status,
  startTime: 1,
  endTime: 2,
  diagnostics: { errorCode: HOSTILE, scriptName: HOSTILE, message: HOSTILE, logTail: ORDERS.join('\n') },
}));
const INFO = {
  deploymentId: HOSTILE,
  status: 'Failed',
  applicationName: HOSTILE,
  deploymentGroupName: HOSTILE,
  creator: HOSTILE,
  createTime: 1,
  completeTime: 2,
  errorInformation: hostile,
  rollbackInfo: { rollbackDeploymentId: HOSTILE },
  deploymentOverview: {},
};
const TARGET = { targetId: HOSTILE, status: HOSTILE, lastUpdatedAt: 1, lifecycleEvents: EVENTS };
const HOST = {
  instanceName: HOSTILE,
  registered: true,
  agentVersion: HOSTILE,
  tags: [{ Key: HOSTILE, Value: HOSTILE }],
};

/** Answers of a control server that means harm, by operation; what is not here is refused with harmful words. */
const ANSWERS: Readonly<Record<string, object>> = {
  DescribeHosts: { hosts: [HOST] },
  ListDeployments: { deployments: [HOSTILE] },
  BatchGetDeployments: { deploymentsInfo: [INFO] },
  GetDeployment: { deploymentInfo: INFO },
  CreateDeployment: { deploymentId: HOSTILE },
  ListDeploymentTargets: { targetIds: [HOSTILE] },
  BatchGetDeploymentTargets: {
    deploymentTargets: [{ deploymentTargetType: 'InstanceTarget', instanceTarget: TARGET }],
  },
  DescribeDeploymentWaits: {
    waits: [
      {
        targetId: HOSTILE,
        lifecycleEventName: HOSTILE,
        reason: 'silence',
        sinceTime: 1,
        heardOfTime: 1,
        giveUpTime: 2,
      },
    ],
  },
  ListApplications: { applications: [HOSTILE] },
  StopDeployment: { status: HOSTILE, statusMessage: HOSTILE },
};

async function withHostileServer(
  answerAll: boolean,
  work: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const answer = answerAll ? ANSWERS[operation] : undefined;
      response.writeHead(answer === undefined ? 400 : 200, { 'x-amzn-requestid': 'x' });
      response.end(JSON.stringify(answer ?? { __type: `x#${HOSTILE}`, message: HOSTILE }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work({
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'us-east-1',
      SLIPWAY_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const READING = [
  ['hosts', 'list'],
  ['deployments', 'list'],
  ['deployments', 'show', 'd-ABCDEFGHI'],
  ['deployments', 'stop', 'd-ABCDEFGHI'],
  ['applications', 'list'],
];
const FOLLOWING = ['deploy', '--application', 'app', '--group', 'group', '--revision', 's3://bucket/bundle.zip'];

/** A bundle whose names and texts are orders. Its script prints them and fails. */
function hostileBundle(folder: string): string {
  const root = join(folder, 'bundle');
  mkdirSync(root);
  const name = ORDERS.join('').replaceAll(/[/\0]/g, '').slice(0, 60);
  writeFileSync(join(root, name), 'x');
  const orders = ORDERS.map((order) => `printf '%s\\n' '${order.replaceAll(/['\0]/g, '')}'`).join('\n');
  writeFileSync(join(root, 'hook.sh'), `#!/bin/sh\n${orders}\n(${orders.replaceAll('\n', ';')}) >&2\nexit 3\n`, {
    mode: 0o755,
  });
  const spec = {
    version: 0,
    os: 'linux',
    [HOSTILE]: HOSTILE,
    files: [{ source: name, destination: join(folder, 'destination') }],
    hooks: { BeforeInstall: [{ location: 'hook.sh', timeout: 20 }], [HOSTILE]: [{ location: HOSTILE }] },
  };
  writeFileSync(join(root, 'broken.yml'), JSON.stringify(spec));
  writeFileSync(
    join(root, 'appspec.yml'),
    JSON.stringify({ ...spec, [HOSTILE]: undefined, hooks: { BeforeInstall: spec.hooks.BeforeInstall } }),
  );
  return root;
}

export const TERMINAL_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'a control server sends orders in every text of its answers',
    limitSeconds: 120,
    run: () =>
      withHostileServer(true, async (env) => {
        for (const args of READING) await showsNothing(args, env);
        await showsNothing(FOLLOWING, env);
      }),
  },
  {
    promise: PROMISE,
    name: 'a control server sends orders in its errors',
    limitSeconds: 120,
    run: () =>
      withHostileServer(false, async (env) => {
        for (const args of [...READING.slice(0, 2), FOLLOWING]) await showsNothing([...args, '--verbose'], env);
      }),
  },
  {
    promise: PROMISE,
    name: 'a bundle and its scripts bring orders in names, keys and output',
    limitSeconds: 120,
    async run({ folder }) {
      const root = hostileBundle(folder);
      const config = join(folder, 'agent.yml');
      const rootDir = join(folder, 'root');
      writeFileSync(config, JSON.stringify({ root_dir: rootDir, log_dir: join(folder, 'logs'), pid_dir: folder }));
      const local = ['local', '--bundle-location', root, '--type', 'directory', '-c', config];
      await showsNothing(['validate', root]);
      await showsNothing(['validate', join(root, 'broken.yml')]);
      await showsNothing(local);
      await showsNothing([...local, '--appspec-filename', 'broken.yml']);
      await showsNothing(['logs', 'latest', '--config-file', config]);
      await showsNothing(['validate', HOSTILE.replaceAll('\0', '')]);
    },
  },
];
