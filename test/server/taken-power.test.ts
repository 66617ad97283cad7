/** Work under way with a key ends when the key loses its power, over real sockets. The work of others goes on. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { eventually } from '../support/eventually.ts';
import { deployToTag, type HandDrivenHost, handDrivenHost, managementClient } from '../support/hand-driven-host.ts';
import { type HeldTransfer, heldDownload, heldUpload, openFilesBelow } from '../support/held-transfers.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, runSlipway, startControlServer } from '../support/slipway.ts';

/** The server looks each second; the rest is for a busy machine. A connection without progress would be closed after 30 s only. */
const ENDS_WITHIN_MS = 15_000;
/** More than all buffers between the server's file and a client that does not read. */
const BUNDLE = randomBytes(48 * 1024 * 1024);
const UPLOAD = randomBytes(8 * 1024 * 1024);

let scratch: ScratchFolder;
let server: ControlServer;
let admin: ManagementClient;
let adminKey: { accessKeyId: string; secretAccessKey: string };

beforeAll(async () => {
  scratch = scratchFolder();
  server = await startControlServer(scratch.at('server'));
  adminKey = {
    accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  admin = managementClient(server.url, adminKey);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const byApi = async (accessKeyId: string) => void (await admin.call('DisableAccessKey', { accessKeyId }));
const byProgram = async (accessKeyId: string) =>
  expect(await runSlipway(['keys', 'disable', accessKeyId, '--data-dir', server.dataDir])).toMatchObject({ status: 0 });
const deregister = async ({ name }: HandDrivenHost) =>
  void (await admin.call('DeregisterOnPremisesInstance', { instanceName: name }));

/** Resolves with how a transfer ended. @throws Error when it does not end in time */
async function endingOf({ ended }: HeldTransfer) {
  let ending: Awaited<typeof ended> | null = null;
  void ended.then((value) => {
    ending = value;
  });
  await eventually(() => ending !== null, { withinMs: ENDS_WITHIN_MS });
  return ended;
}

/** A host that has taken its command, so that its next poll is held. */
async function pollingHost(name: string, tag: string) {
  const host = await handDrivenHost(server.url, admin, name, tag);
  return {
    host,
    async poll() {
      await host.command();
      const hangingUp = new AbortController();
      let answer: unknown = 'open';
      void host.client.pollHostCommand(hangingUp.signal).then(
        (command) => {
          answer = command;
        },
        () => undefined,
      );
      return { answer: () => answer, [Symbol.dispose]: () => hangingUp.abort() };
    },
  };
}

test.each([
  ['key is disabled through the API', 'api', ({ key }: HandDrivenHost) => byApi(key.accessKeyId)],
  ['key is disabled by another process', 'program', ({ key }: HandDrivenHost) => byProgram(key.accessKeyId)],
  ['host is deregistered', 'deregistered', deregister],
] as const)(
  'downloads that are read slowly or not at all, and the open long poll, end when their %s; those of another host go on',
  async (_, tag, take) => {
    const target = `/revisions/${tag}.zip`;
    expect(await rawS3(server.s3Url, adminKey)({ method: 'PUT', target, body: BUNDLE })).toMatchObject({ status: 200 });
    const [victim, other] = [await pollingHost(`${tag}-1`, tag), await pollingHost(`${tag}-2`, tag)];
    await deployToTag(admin, tag);
    using poll = await victim.poll();
    using otherPoll = await other.poll();
    using slow = await heldDownload(server.s3Url, victim.host.key, target, 'slowly');
    using asleep = await heldDownload(server.s3Url, victim.host.key, target, 'not at all');
    using others = await heldDownload(server.s3Url, other.host.key, target, 'slowly');
    const openFiles = () => openFilesBelow(server.daemon.pid, `${server.dataDir}/s3`);
    expect(openFiles()).toBe(3);

    await take(victim.host);
    await eventually(() => openFiles() === 1, { withinMs: ENDS_WITHIN_MS });
    expect(await endingOf(slow)).toMatchObject({ isWhole: false });
    asleep.goOn();
    expect(await endingOf(asleep)).toMatchObject({ isWhole: false });
    await eventually(() => poll.answer() === null, { withinMs: ENDS_WITHIN_MS });

    others.goOn();
    expect(await endingOf(others)).toEqual({ status: 200, isWhole: true, bytes: BUNDLE.length });
    expect(otherPoll.answer()).toBe('open');
  },
  120_000,
);

test.each([
  ['through the API', 'api', byApi],
  ['by another process', 'program', byProgram],
] as const)(
  'uploads that come slowly or not at all end and store nothing when their key is disabled %s; that of another key is stored',
  async (_, name, take) => {
    const send = rawS3(server.s3Url, adminKey);
    const [key, otherKey] = [
      await admin.call('CreateAccessKey', { role: 'operator' }),
      await admin.call('CreateAccessKey', { role: 'operator' }),
    ];
    using slow = await heldUpload(server.s3Url, key, `/revisions/${name}-slow`, UPLOAD, 'slowly');
    using asleep = await heldUpload(server.s3Url, key, `/revisions/${name}-asleep`, UPLOAD, 'not at all');
    using others = await heldUpload(server.s3Url, otherKey, `/revisions/${name}-other`, UPLOAD, 'slowly');
    const openFiles = () => openFilesBelow(server.daemon.pid, `${server.dataDir}/s3/.incoming`);
    await eventually(() => openFiles() === 3);

    await take(key.accessKeyId);
    expect(await endingOf(slow)).toMatchObject({ status: 403 });
    expect(await endingOf(asleep)).toMatchObject({ status: 403 });
    expect(openFiles()).toBe(1);

    others.goOn();
    expect(await endingOf(others)).toMatchObject({ status: 200 });
    const statuses = ['slow', 'asleep', 'other'].map(async (end) => {
      const { status } = await send({ method: 'HEAD', target: `/revisions/${name}-${end}` });
      return status;
    });
    expect(await Promise.all(statuses)).toEqual([404, 404, 200]);
  },
);

test('a list that is read page by page ends when its key is disabled, and that of another key goes on', async () => {
  const send = rawS3(server.s3Url, adminKey);
  for (const name of ['a', 'b', 'c']) await send({ method: 'PUT', target: `/revisions/listed-${name}`, body: name });
  const keys = [
    await admin.call('CreateAccessKey', { role: 'viewer' }),
    await admin.call('CreateAccessKey', { role: 'viewer' }),
  ] as const;
  const page = (key: (typeof keys)[number], token = '') =>
    rawS3(
      server.s3Url,
      key,
    )({
      method: 'GET',
      target: `/revisions?list-type=2&max-keys=1&prefix=listed-${token && `&continuation-token=${token}`}`,
    });
  const nextOf = (text: string) => encodeURIComponent(/<NextContinuationToken>([^<]+)</.exec(text)?.[1] ?? '');
  const tokens = [nextOf((await page(keys[0])).text), nextOf((await page(keys[1])).text)];
  await byApi(keys[0].accessKeyId);
  expect(await page(keys[0], tokens[0])).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
  expect((await page(keys[1], tokens[1])).text).toContain('<Key>listed-b</Key>');
});

test('a client that hangs up in the middle of a transfer is no fault for the server’s log', async () => {
  const target = '/revisions/left.zip';
  await rawS3(server.s3Url, adminKey)({ method: 'PUT', target, body: BUNDLE });
  const download = await heldDownload(server.s3Url, adminKey, target, 'not at all');
  const upload = await heldUpload(server.s3Url, adminKey, '/revisions/never', UPLOAD, 'not at all');
  const openFiles = () => openFilesBelow(server.daemon.pid, `${server.dataDir}/s3`);
  await eventually(() => openFiles() === 2);
  download[Symbol.dispose]();
  upload[Symbol.dispose]();
  await eventually(() => openFiles() === 0);
  // Also of what the tests before have ended.
  expect(server.daemon.log()).not.toContain('"level":"error"');
});

test.each([
  ['key is disabled through the API', 'at-work-api', ({ key }: HandDrivenHost) => byApi(key.accessKeyId)],
  ['key is disabled by another process', 'at-work-program', ({ key }: HandDrivenHost) => byProgram(key.accessKeyId)],
  ['host is deregistered', 'at-work-deregistered', deregister],
] as const)('a host at work is refused with its next call when its %s, and is told why', async (_, tag, take) => {
  const host = await handDrivenHost(server.url, admin, tag, tag);
  const deploymentId = await deployToTag(admin, tag);
  const { HostCommandIdentifier: id, DeploymentExecutionId: execution } = await host.command();
  const calls = {
    specification: () => host.client.getDeploymentSpecification(execution),
    acknowledgement: () => host.client.acknowledge(id, false),
    report: () =>
      host.client.complete(id, {
        status: 'Succeeded',
        diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
      }),
  };
  await calls.specification();
  await take(host);
  for (const [call, send] of Object.entries(calls)) {
    await expect(send(), call).rejects.toThrow(/was disabled on|is not registered/);
  }
  const { targetIds = [] } = await admin.call('ListDeploymentTargets', { deploymentId });
  const { deploymentTarget } = await admin.call('GetDeploymentTarget', { deploymentId, targetId: targetIds[0] ?? '' });
  expect(deploymentTarget?.instanceTarget?.lifecycleEvents?.[0]?.status).not.toBe('Succeeded');
});
