/** Attacks on the places in which an agent runs commands: many deployments that do not end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { deploymentDriver } from '../support/deployments.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { writeRevision } from '../support/revision.ts';
import { type ControlServer, type EnrolledHost, enrolHost } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'no group and no application takes all places of a host';
const TRICKLING = 16;
const BYTE_EVERY_MS = 5_000;
/** Time that a deployment may take longer than without the attack, on a machine that is busy with sixteen others. */
const GRACE_MS = 15_000;

interface TricklingStore extends AsyncDisposable {
  readonly url: string;
  /** Keys whose download has begun and does not end. */
  readonly begun: ReadonlySet<string>;
}

/** A store that sends a byte every five seconds, and only the honest bundle as a store should. */
async function tricklingStore(honestKey: string, bundle: Buffer): Promise<TricklingStore> {
  const begun = new Set<string>();
  const server = createServer((request, response) => {
    const key = new URL(request.url ?? '/', 'http://store').pathname.replace(/^\/revisions\//, '');
    const isHonest = key === honestKey;
    response.writeHead(200, { 'content-length': isHonest ? bundle.length : 1_000_000, etag: '"e"' });
    if (request.method === 'HEAD') return void response.end();
    if (isHonest) return void response.end(bundle);
    begun.add(key);
    response.write('x');
    const timer = setInterval(() => response.write('x'), BYTE_EVERY_MS);
    response.on('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begun,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function adminOf({ url, env }: ControlServer): ManagementClient {
  const key: KeyPair = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  return managementClient(url, key);
}

async function makeGroup(admin: ManagementClient, applicationName: string, deploymentGroupName: string, tag: string) {
  const [Key, Value] = tag.split('=');
  await admin.call('CreateDeploymentGroup', {
    ...{ applicationName, deploymentGroupName, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
    onPremisesInstanceTagFilters: [{ Key: Key ?? '', Value: Value ?? '', Type: 'KEY_AND_VALUE' }],
  });
}

async function deploy(admin: ManagementClient, applicationName: string, deploymentGroupName: string, key: string) {
  const s3Location = { bucket: 'revisions', key, bundleType: 'tar' as const };
  const revision = { revisionType: 'S3' as const, s3Location };
  const made = await admin.call('CreateDeployment', { applicationName, deploymentGroupName, revision });
  return made.deploymentId ?? '';
}

function takeFrom(host: EnrolledHost, storeUrl: string): void {
  const text = readFileSync(host.configFile, 'utf8').replace(/^:?s3_endpoint_override:.*$/m, '');
  writeFileSync(host.configFile, `${text}\ns3_endpoint_override: ${storeUrl}\n`);
}

interface Besieged {
  readonly admin: ManagementClient;
  readonly store: TricklingStore;
  readonly name: string;
  readonly tag: string;
}

/** A deployment takes about as long while others do not end as it takes without them. */
async function besiege(ground: AttackGround, name: string, siege: (besieged: Besieged) => Promise<void>) {
  const server = await ground.sharedServer();
  const tag = `Attack=${name}`;
  const host = await enrolHost(server, join(ground.folder, 'host'), name, tag);
  const destination = join(ground.folder, 'site');
  const revision = writeRevision(join(ground.folder, 'revision'), { destination, files: { 'index.html': 'honest' } });
  const bundle = execFileSync('tar', ['-c', '-C', revision, '.']);
  await using store = await tricklingStore('honest.tar', bundle);
  takeFrom(host, store.url);
  ground.watch('agent', host.startAgent());
  using driver = await deploymentDriver(server, `${name}-honest`, tag);
  const honest = { key: 'honest.tar', bundleType: 'tar', eTag: '' } as const;
  const deployHonestly = async () => {
    const ended = await driver.ended(await driver.create(honest, { group: 'hosts', fileExistsBehavior: 'OVERWRITE' }));
    assert.equal(ended.status, 'Succeeded', JSON.stringify(ended.events));
    return ended.completeMs - ended.createMs;
  };
  const ordinaryMs = await deployHonestly();
  await siege({ admin: adminOf(server), store, name, tag });
  const tookMs = await deployHonestly();
  assert.ok(tookMs < ordinaryMs + GRACE_MS, `${tookMs} ms instead of ${ordinaryMs} ms`);
}

async function manyGroups({ admin, store, name, tag }: Besieged): Promise<void> {
  const application = `${name}-slow`;
  await admin.call('CreateApplication', { applicationName: application });
  for (let n = 0; n < TRICKLING; n += 1) {
    await makeGroup(admin, application, `g${n}`, tag);
    await deploy(admin, application, `g${n}`, `slow-${n}.tar`);
  }
  // All of them in the end: those that take long give their places to the others.
  await eventually(() => store.begun.size >= TRICKLING, { withinMs: 45_000 });
}

async function oneGroup({ admin, store, name, tag }: Besieged): Promise<void> {
  const application = `${name}-slow`;
  await admin.call('CreateApplication', { applicationName: application });
  await makeGroup(admin, application, 'g', tag);
  for (let n = 0; n < TRICKLING; n += 1) {
    const deploymentId = await deploy(admin, application, 'g', `slow-${n}.tar`);
    if (n === 0) await eventually(() => store.begun.size > 0, { withinMs: 30_000 });
    // Its command goes on; the server takes the next deployment.
    if (n < TRICKLING - 1) await admin.call('StopDeploymentNow', { deploymentId });
  }
  assert.equal(store.begun.size, 1, 'two commands of one group have run at once');
}

export const PLACE_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: `${TRICKLING} trickling stores take the places of one application’s groups`,
    limitSeconds: 120,
    run: (ground) => besiege(ground, 'many-groups', manyGroups),
  },
  {
    promise: PROMISE,
    name: `${TRICKLING} deployments of one group to a trickling store are stopped, one after the other`,
    limitSeconds: 120,
    run: (ground) => besiege(ground, 'one-group', oneGroup),
  },
];
