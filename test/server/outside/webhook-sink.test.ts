import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { messageIdOf, type OutgoingNotice } from '../../../src/server/outside/notice-target.ts';
import { createWebhookSink } from '../../../src/server/outside/webhook-sink.ts';
import { readWebhooksFile } from '../../../src/server/outside/webhooks-file.ts';
import { makeAuthority, makeCertificate } from '../../support/certificates.ts';
import { answeringServer, tcpServer } from '../../support/http-server.ts';
import { scratchFolder } from '../../support/scratch.ts';

const SECRET = 'a secret of a test';
const NOW_MS = Date.UTC(2026, 0, 1);
const clock = { now: () => NOW_MS };
const soon = () => AbortSignal.timeout(5_000);
const NOTICE: OutgoingNotice = {
  ...{ messageId: messageIdOf('d-1//DeploymentFailure/ops'), target: 'arn:aws:sns:us-east-1:000000000000:releases' },
  ...{ event: 'DeploymentFailure', subject: 'Failed: d-1', message: '{"status":"Failed","x":"ü"}' },
  ...{ madeAtMs: NOW_MS - 60_000, deploymentId: 'd-1' },
};
const sink = (url: string, authorities: readonly string[] = []) =>
  createWebhookSink({ url, secret: SECRET, authorities }, clock);

test('a webhook gets the envelope of SNS, with a signature that its receiver can check', async () => {
  await using server = await answeringServer(() => ({ status: 204, body: '' }));
  expect(await sink(`${server.url}/hook?a=b`)(NOTICE, soon())).toEqual({ ending: 'sent', answer: '204' });
  const [request] = server.received;
  if (request === undefined) throw new Error('nothing came');
  const { headers, body } = request;
  expect(request).toMatchObject({ method: 'POST', path: '/hook?a=b' });
  expect(headers).toMatchObject({
    'content-type': 'text/plain; charset=UTF-8',
    'x-amz-sns-message-type': 'Notification',
    'x-amz-sns-message-id': NOTICE.messageId,
    'x-amz-sns-topic-arn': NOTICE.target,
    'x-slipway-time': String(NOW_MS / 1000),
  });
  const signature = createHmac('sha256', SECRET).update(`${headers['x-slipway-time']}.${body.toString()}`);
  expect(headers['x-slipway-signature']).toBe(`sha256=${signature.digest('hex')}`);
  expect(JSON.parse(body.toString())).toEqual({
    ...{ Type: 'Notification', MessageId: NOTICE.messageId, TopicArn: NOTICE.target, Subject: NOTICE.subject },
    ...{ Message: NOTICE.message, Timestamp: new Date(NOTICE.madeAtMs).toISOString() },
    MessageAttributes: { event: { Type: 'String', Value: 'DeploymentFailure' } },
  });
});

test('the id of a message is a UUID that follows from the notice', () => {
  expect(messageIdOf('d-1//DeploymentFailure/ops')).toBe(NOTICE.messageId);
  expect(messageIdOf('d-1//DeploymentFailure/pager')).not.toBe(NOTICE.messageId);
  expect(NOTICE.messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});

test.each([
  [200, 'sent', '200'],
  [202, 'sent', '202'],
  [302, 'failed', '302: redirects are not followed'],
  [307, 'failed', '307: redirects are not followed'],
  [400, 'refused', '400 not so'],
  [401, 'failed', '401 not so'],
  [404, 'failed', '404 not so'],
  [413, 'refused', '413 not so'],
  [429, 'failed', '429 not so'],
  [500, 'failed', '500 not so'],
  [503, 'failed', '503 not so'],
])('an answer of %i means %s', async (status, ending, answer) => {
  await using elsewhere = await answeringServer(() => ({}));
  await using server = await answeringServer(() => ({
    ...{ status, body: 'not\nso\n', headers: { location: `${elsewhere.url}/inner` } },
  }));
  const outcome = await sink(server.url)(NOTICE, soon());
  expect(outcome).toEqual({ ending, answer: expect.stringContaining(answer) });
  expect(outcome.answer).not.toContain('\n');
  expect(elsewhere.received).toEqual([]);
});

describe('a receiver', () => {
  const head = (rest: string) => `HTTP/1.1 ${rest}\r\n\r\n`;
  test.each<[string, string | null, string, string]>([
    ['that is silent', null, 'failed', 'no answer: '],
    ['that is gone without an answer', '', 'failed', 'no answer: '],
    ['that speaks no HTTP', 'SSH-2.0-x\r\n\r\n', 'failed', 'no answer: '],
    ['that is gone in the middle of its head', 'HTTP/1.1 200 OK\r\nContent-', 'failed', 'no answer: '],
    ['that is gone in the middle of a yes', head('200 OK\r\nContent-Length: 10'), 'sent', '200'],
    ['that is gone in the middle of a no', `${head('500 No\r\nContent-Length: 10')}ab`, 'failed', '500 ab'],
    ['whose yes never ends', `${head('200 OK\r\nTransfer-Encoding: chunked')}1\r\na\r\n`, 'sent', '200'],
    [
      'whose no never ends',
      `${head('500 No\r\nTransfer-Encoding: chunked')}1000\r\n${'a'.repeat(4096)}\r\n`,
      ...(['failed', '500 aaa'] as const),
    ],
  ])('%s is told from one that has taken the notice', async (name, answer, ending, said) => {
    await using server = await tcpServer((socket) => {
      socket.once('data', () => {
        if (answer === null || name.includes('never')) socket.write(answer ?? '');
        else socket.end(answer);
      });
    });
    const signal = answer === null ? AbortSignal.timeout(200) : soon();
    const outcome = await sink(server.url)(NOTICE, signal);
    expect(outcome).toEqual({ ending, answer: expect.stringContaining(said) });
    expect(outcome.answer.length).toBeLessThan(300);
  });

  test('at an address without a listener is reported as giving no answer', async () => {
    expect(await sink('http://127.0.0.1:1')(NOTICE, soon())).toMatchObject({
      ...{ ending: 'failed', answer: expect.stringContaining('ECONNREFUSED') },
    });
  });

  test('a receiver with a certificate of a private authority is trusted where the file names that, and nowhere else', async () => {
    using scratch = scratchFolder();
    const authority = await makeAuthority(scratch.path, 'ca');
    const { certFile, keyFile } = await makeCertificate(authority, 'leaf');
    const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, response) => {
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const file = scratch.at('webhooks.yml');
      const settings = { url, secret: SECRET, caFile: authority.certFile };
      writeFileSync(file, JSON.stringify({ known: settings, stranger: { url, secret: SECRET } }));
      const hooks = readWebhooksFile(file, clock);
      expect(await hooks.get('known')?.(NOTICE, soon())).toEqual({ ending: 'sent', answer: '200' });
      expect(await hooks.get('stranger')?.(NOTICE, soon())).toMatchObject({
        ...{ ending: 'failed', answer: expect.stringMatching(/certificate/) },
      });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('the file of webhooks', () => {
  const scratch = scratchFolder();
  afterAll(() => scratch[Symbol.dispose]());
  const read = (text: string) => {
    const file = scratch.at('webhooks.yml');
    writeFileSync(file, text);
    return readWebhooksFile(file, clock);
  };
  const GOOD = `url: "https://x/y", secret: "${SECRET}"`;

  test('has names or ARNs, and secrets in it or in files of their own', () => {
    writeFileSync(scratch.at('secret'), `${SECRET}\n`);
    const text = `arn:aws:sns:us-east-1:000000000000:a: {${GOOD}}\nb: {url: "http://x", secretFile: ${scratch.at('secret')}}`;
    expect([...read(text).keys()]).toEqual(['arn:aws:sns:us-east-1:000000000000:a', 'b']);
  });

  test.each([
    ['- a', 'names'],
    ['a: {url: "ftp://x", secret: 0123456789abcdef}', 'a.url'],
    ['a: {url: "http://x"}', 'a.secret'],
    ['a: {url: "http://x", secret: short}', 'a.secret'],
    ['a: {url: "http://x", secret: 1234567890123456}', 'a.secret'],
    [`a: {${GOOD}, caFile: 7}`, 'a.caFile'],
    [`a: {${GOOD}, kind: webhook}`, 'a.kind is not known'],
    [`"a b": {${GOOD}}`, 'a b must be'],
    [`"": {${GOOD}}`, 'must be 1 to 256'],
  ])('is refused with what is wrong in it: %s', (text, named) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(named) }),
    );
  });

  test.each(['caFile', 'secretFile'])('that names a %s which is missing says so', (key) => {
    expect(() => read(`a: {${GOOD}, ${key}: ${scratch.at('none')}}`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE', message: expect.stringContaining('none') }),
    );
  });
});
