/** The stream that tells a page of changes: who gets it, what it says, and when it ends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendToConsole, signInToConsole } from '../../../support/console-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { handDrivenHost, type KeyPair, managementClient } from '../../../support/hand-driven-host.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
let admin: KeyPair;
beforeAll(async () => {
  server = await testServer(scratch.at('data'));
  admin = await server.key('admin');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

interface OpenStream extends Disposable {
  readonly status: number;
  /** Names of the events so far. */
  readonly events: readonly string[];
  readonly isOver: () => boolean;
}

async function openStream(url: string, cookie: string, topic: string): Promise<OpenStream> {
  const ended = new AbortController();
  const path = `/console/events?topic=${topic}`;
  const response = await sendToConsole(url, path, { method: 'GET', cookie }, ended.signal);
  const events: string[] = [];
  let isOver = false;
  const reading = (async () => {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      for (const [, name = ''] of text.matchAll(/^event: (.*)$/gm)) events.push(name);
    }
  })();
  void reading
    .catch(() => undefined)
    .then(() => {
      isOver = true;
    });
  return { status: response.status, events, isOver: () => isOver, [Symbol.dispose]: () => ended.abort() };
}

async function newDeployment(tag: string): Promise<string> {
  const client = managementClient(server.url, admin);
  await handDrivenHost(server.url, client, `host-${tag}`, tag);
  const names = { applicationName: `app-${tag}`, deploymentGroupName: 'fleet' };
  await client.call('CreateApplication', { applicationName: names.applicationName });
  await client.call('CreateDeploymentGroup', {
    ...names,
    serviceRoleArn: 'arn:aws:iam::000000000000:role/r',
    onPremisesInstanceTagFilters: [{ Key: 'Role', Value: tag, Type: 'KEY_AND_VALUE' }],
  });
  const revision = { revisionType: 'S3', s3Location: { bucket: 'b', key: 'a.zip', bundleType: 'zip' } } as const;
  return (await client.call('CreateDeployment', { ...names, revision })).deploymentId ?? '';
}

test('a page is told when a deployment begins, of whichever server, and when it ends', async () => {
  const cookie = await signInToConsole(server.url, await server.key('viewer'));
  using stream = await openStream(server.url, cookie, 'deployments');
  expect(stream.status).toBe(200);
  await eventually(() => stream.events.includes('open'));
  const id = await newDeployment('one');
  await eventually(() => stream.events.includes('change'));
  const before = stream.events.length;
  await managementClient(server.url, admin).call('StopDeploymentNow', { deploymentId: id });
  await eventually(() => stream.events.length > before);
});

test('the page of a deployment is told of that one', async () => {
  const cookie = await signInToConsole(server.url, await server.key('viewer'));
  const id = await newDeployment('two');
  using stream = await openStream(server.url, cookie, id);
  await eventually(() => stream.events.includes('open'));
  await managementClient(server.url, admin).call('StopDeploymentNow', { deploymentId: id });
  await eventually(() => stream.events.includes('change'));
});

describe('a stream is refused', () => {
  test('a stream is refused to a stranger', async () => {
    const { status } = await openStream(server.url, 'slipway-console=', 'deployments');
    expect(status).toBe(401);
  });

  test.each(['', 'hosts', 'd-', 'd-ABCDEFGHI%27'])('of what is no topic: %s', async (topic) => {
    const cookie = await signInToConsole(server.url, await server.key('viewer'));
    expect((await openStream(server.url, cookie, topic)).status).toBe(400);
  });

  test('a stream of a deployment that is not there is refused', async () => {
    const cookie = await signInToConsole(server.url, await server.key('viewer'));
    expect((await openStream(server.url, cookie, 'd-ABCDEFGHI')).status).toBe(400);
  });

  test('a stream of a deployment that the key may not see is refused', async () => {
    const id = await newDeployment('three');
    const scope = { applications: ['other'] };
    const key = await managementClient(server.url, admin).call('CreateAccessKey', { role: 'viewer', scope });
    const cookie = await signInToConsole(server.url, key);
    expect((await openStream(server.url, cookie, id)).status).toBe(403);
  });

  test('beyond as many as a key may have', async () => {
    const cookie = await signInToConsole(server.url, await server.key('viewer'));
    const open: OpenStream[] = [];
    for (let at = 0; at < 33; at += 1) open.push(await openStream(server.url, cookie, 'deployments'));
    expect(open.map(({ status }) => status)).toEqual([...Array(32).fill(200), 429]);
    for (const stream of open) stream[Symbol.dispose]();
  });
});

test('a server that stops ends its streams, and does not wait for their pages', async () => {
  const stopping = await testServer(scratch.at('stopping'));
  const cookie = await signInToConsole(stopping.url, await stopping.key('viewer'));
  using stream = await openStream(stopping.url, cookie, 'deployments');
  await eventually(() => stream.events.includes('open'));
  await stopping[Symbol.asyncDispose]();
  await eventually(() => stream.isOver());
});
