/** Attacks on powers: keys that were taken away, hosts that speak for others, viewers that change things, stops that come to nothing. */
import assert from 'node:assert/strict';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import type { HostCommandClient } from '../../src/protocol/host-command/client.ts';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../src/protocol/management/shapes.ts';
import { eventually } from '../support/eventually.ts';
import {
  deployToTag,
  type HandDrivenHost,
  handDrivenHost,
  hostClient,
  managementClient,
} from '../support/hand-driven-host.ts';
import { heldDownload, heldUpload, openFilesBelow } from '../support/held-transfers.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { runSlipway } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const NO_POWER = 'a key that is disabled, or whose host is deregistered, has no power from that moment';
const OWN_ONLY = 'a host speaks for itself only';
const STOPS = 'a stop that was accepted ends as Stopped, and nothing changes what has ended';
/** Work with a key without power ends by the next look of the server, each second; the rest is for a busy machine. */
const ENDS_WITHIN_MS = 10_000;
const OUTCOMES = {
  success: outcome('Succeeded', 0),
  failure: outcome('Failed', 4),
} as const;
const SUCCESS = OUTCOMES.success;

function outcome(status: CommandOutcome['status'], errorCode: 0 | 4): CommandOutcome {
  return { status, diagnostics: { errorCode, scriptName: '', message: status, log: '' } };
}

interface Ground {
  readonly url: string;
  readonly s3Url: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly admin: ManagementClient;
  host(name: string, tag: string): Promise<HandDrivenHost>;
}

async function prepared(ground: AttackGround): Promise<Ground> {
  const { url, s3Url, dataDir, env, daemon } = await ground.sharedServer();
  const admin = managementClient(url, {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  });
  return { url, s3Url, dataDir, pid: daemon.pid, admin, host: (name, tag) => handDrivenHost(url, admin, name, tag) };
}

async function refused(what: string, call: Promise<unknown>, types: readonly string[]): Promise<void> {
  const answer = await call.then(
    (value) => `success: ${JSON.stringify(value)}`,
    (error: { type?: string }) => error.type ?? String(error),
  );
  assert.ok(types.includes(answer), `${what} was answered with ${answer}`);
}

const POWERLESS = ['UnrecognizedClientException', 'AccessDeniedException'];

/** Everything that a host may ask for, with a command that it had taken. */
async function nothingGoes(client: HostCommandClient, command: { id: string; executionId: string }): Promise<void> {
  await refused('a poll', client.pollHostCommand(undefined, false), POWERLESS);
  await refused('a specification', client.getDeploymentSpecification(command.executionId), POWERLESS);
  await refused('an acknowledgement', client.acknowledge(command.id, false), POWERLESS);
  await refused('a word of being at work', client.update(command.id), POWERLESS);
  await refused('a report', client.complete(command.id, SUCCESS), POWERLESS);
}

async function firstEvent(admin: ManagementClient, deploymentId: string, targetId: string) {
  const { deploymentTarget } = await admin.call('GetDeploymentTarget', { deploymentId, targetId });
  return deploymentTarget?.instanceTarget?.lifecycleEvents?.[0];
}

async function statusOf(admin: ManagementClient, deploymentId: string): Promise<string | undefined> {
  return (await admin.call('GetDeployment', { deploymentId })).deploymentInfo?.status;
}

/** Takes the power of a host in one way, at one of three moments, and uses its key on. */
function usesKeyOn(how: string, tag: string, take: (ground: Ground, host: HandDrivenHost) => Promise<void>): Attack {
  return {
    promise: NO_POWER,
    name: `a host whose ${how} goes on with its long poll, its acknowledgement and its report`,
    async run(attackGround) {
      const ground = await prepared(attackGround);
      const { admin } = ground;
      const [idle, asked, working] = await Promise.all(
        ['idle', 'asked', 'working'].map((name) =>
          ground.host(`${tag}-${name}`, name === 'idle' ? `${tag}-idle` : tag),
        ),
      );
      assert.ok(idle && asked && working);
      const deploymentId = await deployToTag(admin, tag);
      const [taken, begun] = await Promise.all([asked.command(), working.command()]);
      await working.client.acknowledge(begun.HostCommandIdentifier, false);
      const startedMs = performance.now();
      const poll = idle.client.pollHostCommand().catch((error: Error) => error.message);
      // The server has it: only now is it a poll that was open.
      await eventually(async () => {
        const { hosts } = await admin.call('DescribeHosts', {});
        return hosts.some(({ hostArn, lastPollTime }) => hostArn === idle.hostArn && lastPollTime !== undefined);
      });
      for (const host of [idle, asked, working]) await take(ground, host);
      assert.equal(await poll, null, 'the open poll did not end empty');
      assert.ok(performance.now() - startedMs < ENDS_WITHIN_MS, 'the poll was held on');
      for (const [host, command] of [
        [asked, taken],
        [working, begun],
      ] as const) {
        await nothingGoes(host.client, {
          id: command.HostCommandIdentifier,
          executionId: command.DeploymentExecutionId,
        });
        const event = await firstEvent(admin, deploymentId, host.name);
        assert.notEqual(event?.status, 'Succeeded', `${host.name}: ${JSON.stringify(event)}`);
      }
      // What it ran can end by nothing that comes from it: another process's change is seen within seconds.
      const ended = async () => (await firstEvent(admin, deploymentId, working.name))?.status === 'Failed';
      await eventually(ended, { withinMs: ENDS_WITHIN_MS });
      await admin.call('StopDeploymentNow', { deploymentId }).catch(() => undefined);
    },
  };
}

/** More than all buffers between the server's file and a client that does not read. */
const BUNDLE_BYTES = 48 * 1024 * 1024;

/** Takes a key's power while transfers with it stand still, and goes on with them. */
async function goesOnWithTransfers(attackGround: AttackGround): Promise<void> {
  const ground = await prepared(attackGround);
  const { admin, s3Url } = ground;
  const [host, other] = [await ground.host('reading-1', 'reading'), await ground.host('reading-2', 'reading')];
  const [operator, target] = [await admin.call('CreateAccessKey', { role: 'operator' }), '/revisions/reading.zip'];
  const send = rawS3(s3Url, operator);
  assert.equal((await send({ method: 'PUT', target, body: Buffer.alloc(BUNDLE_BYTES) })).status, 200);
  const deploymentId = await deployToTag(admin, 'reading');
  using download = await heldDownload(s3Url, host.key, target, 'not at all');
  using others = await heldDownload(s3Url, other.key, target, 'not at all');
  using upload = await heldUpload(s3Url, operator, '/revisions/late', Buffer.alloc(1024 * 1024), 'not at all');
  await eventually(() => openFilesBelow(ground.pid, `${ground.dataDir}/s3/.incoming`) === 1);
  await admin.call('DisableAccessKey', { accessKeyId: host.key.accessKeyId });
  await admin.call('DisableAccessKey', { accessKeyId: operator.accessKeyId });
  const startedMs = performance.now();
  // The server has ended both when it answers this one: one look is for all keys.
  const { status } = await upload.ended;
  assert.equal(status, 403, 'an upload of a disabled key was not refused');
  assert.ok(performance.now() - startedMs < ENDS_WITHIN_MS, 'the upload was held on');
  download.goOn();
  assert.equal((await download.ended).isWhole, false, 'a download of a disabled key came to its end');
  others.goOn();
  assert.equal((await others.ended).isWhole, true, 'the download of another host was cut off');
  await admin.call('StopDeploymentNow', { deploymentId });
}

const CHANGES: Readonly<Partial<Record<ManagementOperation, object>>> = {
  CreateApplication: { applicationName: 'of-a-viewer' },
  DeleteApplication: { applicationName: 'app-viewed' },
  UpdateApplication: { applicationName: 'app-viewed', newApplicationName: 'taken' },
  DeleteDeploymentGroup: { applicationName: 'app-viewed', deploymentGroupName: 'hosts' },
  UpdateDeploymentGroup: {
    ...{ applicationName: 'app-viewed', currentDeploymentGroupName: 'hosts' },
    newDeploymentGroupName: 'taken',
  },
  CreateDeploymentConfig: {
    deploymentConfigName: 'of-a-viewer',
    minimumHealthyHosts: { type: 'HOST_COUNT', value: 0 },
  },
  RegisterApplicationRevision: {},
  CreateDeployment: { applicationName: 'app-viewed', deploymentGroupName: 'hosts' },
  RegisterOnPremisesInstance: { instanceName: 'x', iamUserArn: 'arn:aws:iam::000000000000:user/x' },
  DeregisterOnPremisesInstance: { instanceName: 'viewed-host' },
  AddTagsToOnPremisesInstances: { instanceNames: ['viewed-host'], tags: [{ Key: 'a', Value: 'b' }] },
  RemoveTagsFromOnPremisesInstances: { instanceNames: ['viewed-host'], tags: [{ Key: 'Role', Value: 'viewed' }] },
  TagResource: {},
  UntagResource: {},
  DeleteResourcesByExternalId: {},
  CreateAccessKey: { role: 'admin' },
  ListAccessKeys: {},
};

export const POWER_ATTACKS: readonly Attack[] = [
  usesKeyOn('key was disabled', 'disabled', ({ admin }, { key }) =>
    admin.call('DisableAccessKey', { accessKeyId: key.accessKeyId }).then(() => undefined),
  ),
  usesKeyOn('key was disabled by another process', 'beside', async ({ dataDir }, { key }) => {
    const ended = await runSlipway(['keys', 'disable', key.accessKeyId, '--data-dir', dataDir]);
    assert.equal(ended.status, 0, ended.stderr);
  }),
  usesKeyOn('registration was taken back through the API of CodeDeploy', 'deregistered', ({ admin }, { name }) =>
    admin.call('DeregisterOnPremisesInstance', { instanceName: name }).then(() => undefined),
  ),
  {
    promise: NO_POWER,
    name: 'clients go on with a download and an upload of keys that were disabled',
    run: goesOnWithTransfers,
  },
  {
    promise: OWN_ONLY,
    name: 'a host asks for the specification and the commands of another, and reports for it',
    async run(attackGround) {
      const { admin, host, url } = await prepared(attackGround);
      const victim = await host('victim', 'victim');
      const thief = await host('thief-of-commands', 'thief');
      const deploymentId = await deployToTag(admin, 'victim');
      const command = await victim.command();
      const { HostCommandIdentifier: id, DeploymentExecutionId: executionId } = command;
      const foreign = ['ClientException', 'AccessDeniedException'];
      for (const client of [thief.client, hostClient(url, victim.hostArn, thief.key)]) {
        await refused('a specification', client.getDeploymentSpecification(executionId), foreign);
        await refused('an acknowledgement', client.acknowledge(id, true), foreign);
        await refused('a word of being at work', client.update(id), foreign);
        await refused('a report', client.complete(id, SUCCESS), foreign);
      }
      const claimed = hostClient(url, victim.hostArn, thief.key).pollHostCommand(undefined, false);
      await refused('a poll for another', claimed, ['AccessDeniedException']);
      await refused('a call of the API', managementClient(url, thief.key).call('ListApplications', {}), [
        'AccessDeniedException',
      ]);
      const event = await firstEvent(admin, deploymentId, 'victim');
      assert.equal(event?.status, 'Pending', JSON.stringify(event));
      await admin.call('StopDeploymentNow', { deploymentId });
    },
  },
  {
    promise: 'a viewer looks, and changes nothing',
    name: 'a viewer calls every operation that changes something',
    async run(attackGround) {
      const { admin, host, url } = await prepared(attackGround);
      await host('viewed-host', 'viewed');
      const deploymentId = await deployToTag(admin, 'viewed');
      const viewer = managementClient(url, await admin.call('CreateAccessKey', { role: 'viewer' }));
      const calls = { ...CHANGES, StopDeployment: { deploymentId }, StopDeploymentNow: { deploymentId } };
      for (const [operation, input] of Object.entries(calls)) {
        const call = viewer.call(operation as ManagementOperation, input as never);
        await refused(operation, call, ['AccessDeniedException']);
      }
      assert.equal(await statusOf(viewer, deploymentId), 'InProgress');
      await admin.call('StopDeploymentNow', { deploymentId });
    },
  },
  {
    promise: STOPS,
    name: 'hosts report success and failure after a stop was accepted',
    async run(attackGround) {
      const { admin, host } = await prepared(attackGround);
      for (const [name, ending] of Object.entries(OUTCOMES)) {
        const tag = `stopped-${name}`;
        const working = await host(`${tag}-host`, tag);
        const deploymentId = await deployToTag(admin, tag);
        const { HostCommandIdentifier: id } = await working.command();
        await working.client.acknowledge(id, false);
        assert.equal((await admin.call('StopDeployment', { deploymentId })).status, 'Pending');
        await working.client.complete(id, ending);
        assert.equal(await statusOf(admin, deploymentId), 'Stopped', tag);
      }
    },
  },
  {
    promise: STOPS,
    name: 'a host acknowledges and reports again and again after its deployment was stopped now',
    async run(attackGround) {
      const { admin, host } = await prepared(attackGround);
      const working = await host('late-host', 'late');
      const deploymentId = await deployToTag(admin, 'late');
      const { HostCommandIdentifier: id } = await working.command();
      await working.client.acknowledge(id, false);
      await admin.call('StopDeploymentNow', { deploymentId });
      assert.equal(await statusOf(admin, deploymentId), 'Stopped');
      const { deploymentInfo: before } = await admin.call('GetDeployment', { deploymentId });
      for (let times = 0; times < 3; times += 1) {
        assert.equal(await working.client.acknowledge(id, true), 'Failed');
        await working.client.complete(id, SUCCESS);
      }
      assert.equal(await working.client.pollHostCommand(undefined, false), null);
      const event = await firstEvent(admin, deploymentId, 'late-host');
      assert.equal(event?.status, 'Failed', JSON.stringify(event));
      assert.deepEqual((await admin.call('GetDeployment', { deploymentId })).deploymentInfo, before);
    },
  },
];
