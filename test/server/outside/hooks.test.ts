/** Hooks of the server's file: webhooks and programs, what they are told, and what their answers mean. */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { HookRequest, KnownHook } from '../../../src/server/outside/hook-caller.ts';
import { createProgramHook } from '../../../src/server/outside/hook-program.ts';
import { createWebhookHook } from '../../../src/server/outside/hook-webhook.ts';
import { findHookBy, readHooksFile } from '../../../src/server/outside/hooks-file.ts';
import { answeringServer, tcpServer } from '../../support/http-server.ts';
import { scratchFolder } from '../../support/scratch.ts';

const SECRET = 'a secret of a test';
const NOW_MS = Date.UTC(2026, 0, 1);
const clock = { now: () => NOW_MS };
const soon = () => AbortSignal.timeout(5_000);
const REQUEST: HookRequest = {
  ...{ deploymentId: 'd-1', executionId: 'abc', event: 'BeforeAllowTraffic' },
  ...{ applicationName: 'shop', deploymentGroupName: 'live' },
};
const PAYLOAD = {
  ...{ DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'abc', LifecycleEvent: 'BeforeAllowTraffic' },
  ...{ ApplicationName: 'shop', DeploymentGroupName: 'live' },
};
const webhook = (url: string, limitMs = 5_000) =>
  createWebhookHook('check', { url, secret: SECRET, authorities: [] }, limitMs, clock);

describe('a webhook', () => {
  test('gets the two documented members first, in a body that is signed with its time', async () => {
    await using server = await answeringServer(() => ({ body: '{"status":"Succeeded"}' }));
    await webhook(`${server.url}/hook?a=b`).invoke(REQUEST, soon());
    const [request] = server.received;
    if (request === undefined) throw new Error('nothing came');
    const { method, path, headers, body } = request;
    expect({ method, path }).toEqual({ method: 'POST', path: '/hook?a=b' });
    const signature = createHmac('sha256', SECRET)
      .update(`${NOW_MS / 1000}.${body}`)
      .digest('hex');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-slipway-time': String(NOW_MS / 1000),
      'x-slipway-signature': `sha256=${signature}`,
    });
    expect(Object.entries(JSON.parse(String(body)) as object)).toEqual(Object.entries(PAYLOAD));
  });

  test.each([
    [200, '{"status":"Succeeded"}', { is: 'called', status: 'Succeeded', answer: 'Succeeded' }],
    [
      200,
      '{"status":"Failed","message":"3 of\\n9 fail"}',
      { is: 'called', status: 'Failed', answer: 'Failed: 3 of 9 fail' },
    ],
    [202, '', { is: 'called', status: null, answer: '202' }],
    [202, '{"status":"Failed"}', { is: 'called', status: null, answer: '202' }],
    [200, '', { is: 'failed', answer: "200 '' is not 200 with" }],
    [200, 'null', { is: 'failed', answer: "200 'null' is not 200 with" }],
    [200, '{"status":"succeeded"}', { is: 'failed', answer: 'is not 200 with' }],
    [200, '{"status":"Pending"}', { is: 'failed', answer: 'is not 200 with' }],
    [204, '', { is: 'failed', answer: '204 is not 200 with' }],
    [302, 'x', { is: 'failed', answer: '302 (redirects are not followed) x is not 200 with' }],
    [400, 'not\nso', { is: 'failed', answer: '400 not so' }],
    [404, '{"status":"Succeeded"}', { is: 'failed', answer: '404 {"status":"Succeeded"}' }],
    [503, '', { is: 'failed', answer: '503' }],
  ])('a webhook that answers %i %s has answered so', async (status, body, expected) => {
    await using server = await answeringServer(() => ({ status, body, headers: { location: '/elsewhere' } }));
    const called = await webhook(server.url).invoke(REQUEST, soon());
    expect(called).toMatchObject({ ...expected, answer: expect.stringContaining(expected.answer) });
    expect(server.received).toHaveLength(1);
  });

  const OK = 'HTTP/1.1 200 OK\r\n';
  test.each<[string, string | null, 'again' | 'failed', string]>([
    ['that is gone without an answer may be called again', '', 'again', 'no answer: '],
    [
      'that is gone in the middle of its answer may be called again',
      `${OK}Content-Length: 99\r\n\r\n{"sta`,
      'again',
      '',
    ],
    ['that is silent fails at its limit', null, 'failed', 'there was no answer within 0.1 seconds'],
  ])('%s', async (_, answer, is, said) => {
    await using server = await tcpServer((socket) => {
      socket.once('data', () => (answer === null ? undefined : socket.end(answer)));
    });
    const called = await webhook(server.url, answer === null ? 100 : 5_000).invoke(REQUEST, soon());
    expect(called).toEqual({ is, answer: expect.stringContaining(said) });
  });

  test('a webhook that nobody listens for may be called again', async () => {
    const called = await webhook('http://127.0.0.1:1').invoke(REQUEST, soon());
    expect(called).toEqual({ is: 'again', answer: expect.stringContaining('ECONNREFUSED') });
  });

  test('a webhook whose answer has no end fails or is asked again, and is never taken for a success', async () => {
    const body = `{"status":"Succeeded","message":"${'x'.repeat(100_000)}"}`;
    await using server = await answeringServer(() => ({ body }));
    expect((await webhook(server.url).invoke(REQUEST, soon())).is).toBe('again');
  });
});

describe('a program', () => {
  const program = (script: string, limitMs = 5_000) =>
    createProgramHook('check', { command: ['/bin/sh', '-c', script], limitMs, mayRunAgain: false });

  test.each([
    ['exit 0', { is: 'called', status: 'Succeeded', answer: 'exit 0: exit 0' }],
    ['echo "all is well"', { is: 'called', status: 'Succeeded', answer: 'exit 0: all is well' }],
    ['echo "3 of"; echo "9 fail"; exit 3', { is: 'called', status: 'Failed', answer: 'exit 3: 3 of 9 fail' }],
    ['kill -9 $$', { is: 'failed', answer: 'SIGKILL' }],
    [
      'echo "$SLIPWAY_DEPLOYMENT_ID $SLIPWAY_HOOK_EXECUTION_ID $SLIPWAY_EVENT $SLIPWAY_APPLICATION $SLIPWAY_DEPLOYMENT_GROUP"',
      { is: 'called', answer: 'exit 0: d-1 abc BeforeAllowTraffic shop live' },
    ],
  ])('%s: its exit status is its answer', async (script, expected) => {
    const called = await program(script).invoke(REQUEST, soon());
    expect(called).toMatchObject({ ...expected, answer: expect.stringContaining(expected.answer) });
  });

  test('a program that does not end within its limit is ended, and fails', async () => {
    const called = await program('echo begun; exec sleep 60', 100).invoke(REQUEST, soon());
    expect(called).toEqual({
      is: 'failed',
      answer: expect.stringContaining('did not end in time; it had written: begun'),
    });
  });

  test('a program that is not there fails', async () => {
    const hook = createProgramHook('check', { command: ['/no/such/program'], limitMs: 5_000, mayRunAgain: false });
    expect(await hook.invoke(REQUEST, soon())).toEqual({ is: 'failed', answer: expect.stringContaining('ENOENT') });
  });
});

describe('the file of hooks', () => {
  const scratch = scratchFolder();
  afterAll(() => scratch[Symbol.dispose]());
  const read = (text: string) => {
    writeFileSync(scratch.at('hooks.yml'), text);
    return readHooksFile(scratch.at('hooks.yml'), clock);
  };
  const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:check';

  test('names webhooks and programs by what AppSpec files call them, each with its limit', () => {
    const hooks = read(
      `smoke: { kind: webhook, url: "https://x/y", secret: ${SECRET} }\n${ARN}: { kind: program, command: [x, y], limitSeconds: 3600, mayRunAgain: true }`,
    );
    expect([...hooks].map(([name, { call, limitMs, mayRunAgain }]) => [name, call, limitMs, mayRunAgain])).toEqual([
      ['smoke', 'POST to the webhook smoke', 900_000, true],
      [ARN, `run the program of the hook ${ARN}`, 3_600_000, true],
    ]);
  });

  test('means its own names and those that begin with hook:, and leaves all others to functions', () => {
    const hooks = read('smoke: { kind: program, command: x }');
    const find = findHookBy(hooks, (name) => ({ ...(hooks.get('smoke') as KnownHook), call: `function ${name}` }));
    expect(
      ['smoke', 'hook:smoke', 'other', 'hook:other', 'smoke:live'].map((name) => find(name)?.call ?? null),
    ).toEqual([
      'run the program of the hook smoke',
      'run the program of the hook smoke',
      'function other',
      null,
      'function smoke:live',
    ]);
  });

  test.each([
    ['a: { kind: function }', 'a.kind must be webhook or program'],
    ['a: { command: x }', 'a.kind is missing'],
    ['a: { kind: program }', 'a.command must be a program'],
    ['a: { kind: program, command: x, url: y }', 'a.url is not known'],
    ['a: { kind: program, command: x, limitSeconds: 3601 }', 'a.limitSeconds must be a whole number from 1 to 3600'],
    ['a: { kind: webhook, url: "ftp://x", secret: 0123456789abcdef }', 'a.url must be an http:// or https:// address'],
    ['a: { kind: webhook, url: "https://x" }', 'a.secret is missing'],
    ['a: { kind: webhook, url: "https://x", secret: short }', 'a.secret must have 16 characters'],
    [
      'a: { kind: webhook, url: "https://x", secret: 0123456789abcdef, mayRunAgain: true }',
      'a.mayRunAgain is not known',
    ],
    ['"hook:a": { kind: program, command: x }', 'hook:a must be a name'],
    ['"a b": { kind: program, command: x }', 'a b must be a name'],
  ])('is refused by its key: %s', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });
});
