/** A host whose agent downloads from hostile sources, and between them from an honest one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { hasInEnvironment, runningProcesses } from '../../src/system/processes.ts';
import { deploymentDriver } from '../support/deployments.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { writeRevision } from '../support/revision.ts';
import { type EnrolledHost, enrolHost } from '../support/slipway.ts';
import type { AttackGround } from './attack.ts';

/** Short bounds, so that an attack on them takes seconds. */
export const DOWNLOAD_LIMITS = [
  'download_min_rate: 1000',
  'download_min_rate_seconds: 3',
  'download_max_seconds: 12',
  'bundle_max_size: 2MB',
  'git_max_memory: 100MB',
];

/** A server of this attack, and where it is. */
export interface HostileServer extends AsyncDisposable {
  readonly url: string;
}

export async function hostileServer(listener: RequestListener): Promise<HostileServer> {
  const server = createServer(listener);
  return listening(server, '127.0.0.1', () => server.closeAllConnections());
}

/** A server that answers every request with these bytes, and hangs up. */
export async function byteServer(answer: (path: string) => string): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (head: Buffer) => {
      socket.end(answer(head.toString('latin1').split(' ')[1] ?? ''), 'latin1');
    });
  });
  return listening(server, '127.0.0.1', () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function listening(server: Server, address: string, hangUp: () => void): Promise<HostileServer> {
  server.listen(0, address);
  await once(server, 'listening');
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      hangUp();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A revision as the API has it. */
export type AttackRevision = { readonly key: string } | { readonly url: string } | { readonly git: string } | 'GitHub';

const COMMIT = '0123456789'.repeat(4);

function wireRevision(revision: AttackRevision) {
  if (revision === 'GitHub') {
    return { revisionType: 'GitHub' as const, gitHubLocation: { repository: 'account/repository', commitId: COMMIT } };
  }
  if ('git' in revision) {
    return { revisionType: 'GitHub' as const, gitHubLocation: { repository: revision.git, commitId: COMMIT } };
  }
  if ('key' in revision) {
    return {
      revisionType: 'S3' as const,
      s3Location: { bucket: 'revisions', key: revision.key, bundleType: 'tar' as const },
    };
  }
  const { origin, pathname } = new URL(revision.url);
  const eTag = `sha256:${'0'.repeat(64)}`;
  return {
    revisionType: 'S3' as const,
    s3Location: { bucket: origin, key: pathname.slice(1), bundleType: 'tar' as const, eTag },
  };
}

export interface BesiegedHost {
  readonly host: EnrolledHost;
  /** Deploys what must fail in time. @param says what the agent says of it */
  fails(revision: AttackRevision, says: RegExp): Promise<void>;
  /** Deploys an honest bundle, which must succeed; and nothing of git may run any more. */
  stillWorks(): Promise<void>;
}

/**
 * Enrols a host, starts its agent, and has it besieged.
 *
 * @param name of the attack's own, of letters and dashes
 * @param settings lines of the agent's configuration
 */
export async function besiegeHost(
  ground: AttackGround,
  name: string,
  settings: readonly string[],
  siege: (besieged: BesiegedHost) => Promise<void>,
): Promise<void> {
  const server = await ground.sharedServer();
  const tag = `Attack=${name}`;
  const host = await enrolHost(server, join(ground.folder, 'host'), name, tag);
  const text = readFileSync(host.configFile, 'utf8');
  // The last line of a key would be one too many.
  const own = settings.map((line) => line.split(':', 1)[0]);
  const kept = text.split('\n').filter((line) => !own.includes(line.replace(/^:/, '').split(':', 1)[0]));
  writeFileSync(host.configFile, `${[...kept, ...settings].join('\n')}\n`);
  ground.watch('agent', host.startAgent());
  using driver = await deploymentDriver(server, name, tag);
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const admin = managementClient(server.url, { accessKeyId, secretAccessKey });
  const way = { applicationName: name, deploymentGroupName: 'hosts', fileExistsBehavior: 'OVERWRITE' as const };
  await siege({
    host,
    async fails(revision, says) {
      const made = await admin.call('CreateDeployment', { ...way, revision: wireRevision(revision) });
      const { status, events } = await driver.ended(made.deploymentId ?? '', 30_000);
      assert.equal(status, 'Failed', JSON.stringify(revision));
      assert.match(events.map(({ message }) => message).join('\n'), says, JSON.stringify(revision));
    },
    async stillWorks() {
      await eventually(() => gitProcessesOf(host).length === 0, { withinMs: 5_000 });
      const made = await admin.call('CreateDeployment', { ...way, revision: wireRevision({ key: 'honest.tar' }) });
      const { status, events } = await driver.ended(made.deploymentId ?? '', 30_000);
      assert.equal(status, 'Succeeded', JSON.stringify(events));
    },
  });
}

/** Git works in a folder below root_dir, which is its home. */
function gitProcessesOf({ rootDir }: EnrolledHost): number[] {
  const homes = execFileSync('find', [rootDir, '-name', '*.git', '-type', 'd'], { encoding: 'utf8' }).split('\n');
  return runningProcesses()
    .filter(({ pid }) => homes.some((home) => home !== '' && hasInEnvironment(pid, 'HOME', home)))
    .map(({ pid }) => pid);
}

/** An honest bundle. @param destination where its file goes */
export function honestBundle(ground: AttackGround, destination = join(ground.folder, 'site')): Buffer {
  const folder = writeRevision(join(ground.folder, 'revision'), { destination, files: { 'index.html': 'honest' } });
  return execFileSync('tar', ['-c', '-C', folder, '.']);
}

/** Answers for the honest bundle of a store, and leaves all else to a listener. */
export function honestly(bundle: Buffer, listener: RequestListener): RequestListener {
  return (request, response) => {
    if (!request.url?.split('?')[0]?.endsWith('/honest.tar')) return void listener(request, response);
    response.writeHead(200, { 'content-length': bundle.length, etag: '"e"' });
    response.end(request.method === 'HEAD' ? undefined : bundle);
  };
}
