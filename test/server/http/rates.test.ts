/** Limits on requests: of a key, of a host, of an address, and on failing to prove who one is. */
import * as sdk from '@aws-sdk/client-codedeploy';
import { describe, expect, test } from 'vitest';
import { enrolHost } from '../../../src/protocol/management/enrol-host.ts';
import { type Buckets, createBuckets } from '../../../src/server/connections/buckets.ts';
import { createRates, NO_RATE_LIMITS, type RateLimits } from '../../../src/server/connections/rates.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { presign } from '../../support/presigned.ts';
import { queryApi } from '../../support/query-api.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

/** So slow that nothing comes back while a test runs. */
const HOURLY = 1 / 3600;

async function withServer(
  rates: Partial<RateLimits>,
  work: (server: TestServer) => Promise<void>,
  trustedProxies: readonly string[] = [],
): Promise<void> {
  using scratch = scratchFolder();
  const metricsListen = { host: '127.0.0.1', port: 0 };
  const addresses = { metricsListen, trustedProxies, rates: { ...NO_RATE_LIMITS, ...rates } };
  await using server = await testServer(scratch.at('data'), undefined, undefined, addresses);
  await work(server);
}

type Key = { readonly accessKeyId: string; readonly secretAccessKey: string };

async function outcomeOf(url: string, key: Key): Promise<string> {
  return managementClient(url, key)
    .call('ListApplications', {})
    .then(
      () => 'done',
      (error: { type: string }) => error.type,
    );
}

async function outcomes(url: string, key: Key, times: number): Promise<string[]> {
  const found: string[] = [];
  for (let at = 0; at < times; at += 1) found.push(await outcomeOf(url, key));
  return found;
}

describe('a key that sends more requests than it may', () => {
  test('is asked to wait by every door, in the words of each, and others go on', async () => {
    await withServer({ perKey: { perSecond: HOURLY, burst: 2 } }, async (server) => {
      const [busy, other] = [await server.key('operator'), await server.key('operator')];
      expect(await outcomes(server.url, busy, 3)).toEqual(['done', 'done', 'ThrottlingException']);
      const error = await managementClient(server.url, busy)
        .call('ListApplications', {})
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ status: 400, isThrottle: true, retryAfterMs: expect.any(Number) });
      const { status, code, headers } = await rawS3(server.s3Url, busy)({ method: 'GET', target: '/' });
      expect([status, code, Number(headers['retry-after']) > 0]).toEqual([503, 'SlowDown', true]);
      expect(await queryApi(server.url, 'iam', busy)('ListUsers')).toMatchObject({ status: 400, code: 'Throttling' });
      expect(await outcomeOf(server.url, other)).toBe('done');
      const metrics = await (await fetch(`${server.metricsUrl}/metrics`)).text();
      expect(metrics).toContain('slipway_server_throttled_total{by="key"} 4\n');
    });
  });

  test('is served by and by when it is an AWS SDK, which waits and asks again', async () => {
    await withServer({ perKey: { perSecond: 2, burst: 2 } }, async (server) => {
      const credentials = await server.key('viewer');
      const client = new sdk.CodeDeployClient({
        region: 'us-east-1',
        endpoint: server.url,
        credentials,
        maxAttempts: 6,
      });
      const call = () => client.send(new sdk.ListApplicationsCommand({}));
      for (let at = 0; at < 4; at += 1) expect(await call()).toMatchObject({ applications: [] });
      client.destroy();
    });
  });
});

test('a key that sends more than it may uses up nothing of what other keys have at its address', () => {
  const limits = { perKey: { perSecond: HOURLY, burst: 2 }, perAddress: { perSecond: HOURLY, burst: 4 } };
  const refused: string[] = [];
  const rates = createRates(
    { ...NO_RATE_LIMITS, ...limits },
    { nowMs: () => 0, onThrottled: (by) => refused.push(by) },
  );
  const ask = (id: string) => rates.proved({ client: '192.0.2.7', id }, 'operator');
  for (const id of ['busy', 'busy']) ask(id);
  for (let at = 0; at < 10; at += 1) expect(() => ask('busy')).toThrow('this access key sends more');
  for (const id of ['first', 'second']) ask(id);
  expect(() => ask('third')).toThrow('more requests come from your address');
  expect(new Set(refused)).toEqual(new Set(['key', 'address']));
});

test('hosts behind one address are limited each by itself, however many there are and however little an address may', async () => {
  const rates = { perAddress: { perSecond: HOURLY, burst: 1 }, perHost: { perSecond: HOURLY, burst: 3 } };
  await withServer({ ...rates, failures: { perSecond: HOURLY, burst: 100 } }, async (server) => {
    const admins = [];
    for (let at = 0; at < 2; at += 1) admins.push(await server.key('admin'));
    const hosts: Key[] = [];
    for (let at = 0; at < 20; at += 1) {
      hosts.push(await server.key('host', `arn:aws:iam::000000000000:user/slipway/h${at}`));
    }
    // A host that is not registered is told so: it has proved who it is, and that is what counts here.
    const ask = (host: Key) => outcomeOf(server.url, host);
    for (let round = 0; round < 3; round += 1) {
      expect(new Set(await Promise.all(hosts.map(ask)))).toEqual(new Set(['AccessDeniedException']));
    }
    expect(new Set(await Promise.all(hosts.map(ask)))).toEqual(new Set(['ThrottlingException']));
    const [first, second] = admins as [Key, Key];
    expect([await outcomeOf(server.url, first), await outcomeOf(server.url, second)]).toEqual([
      'done',
      'ThrottlingException',
    ]);
  });
});

describe('an address that fails to prove who it is', () => {
  const rates = { failures: { perSecond: HOURLY, burst: 3 } };

  test('learns nothing more by guessing, and those who proved themselves from there go on', async () => {
    await withServer(rates, async (server) => {
      const [known, target] = [await server.key('admin'), await server.key('admin')];
      const { token } = await managementClient(server.url, known).call('CreateEnrolmentToken', {});
      const guess = { accessKeyId: target.accessKeyId, secretAccessKey: 'wrong' };
      const stranger = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'wrong' };
      expect(await outcomes(server.url, guess, 2)).toEqual(['InvalidSignatureException', 'InvalidSignatureException']);
      expect(await outcomes(server.url, stranger, 2)).toEqual(['UnrecognizedClientException', 'ThrottlingException']);
      // Also the right secret is not told from a wrong one any more.
      expect(await outcomes(server.url, target, 1)).toEqual(['ThrottlingException']);
      expect(await outcomes(server.url, known, 5)).toEqual(Array.from({ length: 5 }, () => 'done'));
      expect((await rawS3(server.s3Url, stranger)({ method: 'GET', target: '/' })).code).toBe('SlowDown');
      expect((await queryApi(server.url, 'sts', stranger)('GetCallerIdentity')).code).toBe('Throttling');
      const [, tokenId = '', secret = ''] = token.split('.');
      const connection = { endpoint: server.url, clock: systemClock, proxyEnvironment: {} };
      const enrolling = enrolHost(connection, { tokenId, secret, authoritySha256: null }, { instanceName: 'x' });
      await expect(enrolling).rejects.toMatchObject({ type: 'ThrottlingException' });
      // Who guesses beside a key that is in use has that key prove itself anew.
      expect(await outcomeOf(server.url, { ...known, secretAccessKey: 'wrong' })).toBe('InvalidSignatureException');
      expect(await outcomeOf(server.url, { ...known, secretAccessKey: 'wrong' })).toBe('ThrottlingException');
    });
  });

  test.each(['S3', 'IAM', 'tokens'] as const)('is counted by the door of %s, too', async (door) => {
    await withServer(rates, async (server) => {
      const { accessKeyId } = await server.key('admin');
      const guess = { accessKeyId, secretAccessKey: 'wrong' };
      const connection = { endpoint: server.url, clock: systemClock, proxyEnvironment: {} };
      const token = { tokenId: 'TOKNAAAAAAAAAAAA', secret: 'x'.repeat(40), authoritySha256: null };
      const ask = {
        S3: () => rawS3(server.s3Url, guess)({ method: 'GET', target: '/' }),
        IAM: () => queryApi(server.url, 'iam', guess)('ListUsers'),
        tokens: () => enrolHost(connection, token, { instanceName: 'x' }).catch(() => undefined),
      }[door];
      for (let at = 0; at < 3; at += 1) await ask();
      expect(await outcomeOf(server.url, guess)).toBe('ThrottlingException');
    });
  });

  test('is not counted for a key that has lost its power, whose owner knows its secret', async () => {
    await withServer(rates, async (server) => {
      const [disabled, other] = [await server.key('operator'), await server.key('operator')];
      await server.disable(disabled.accessKeyId);
      const told = Array.from({ length: 6 }, () => 'UnrecognizedClientException');
      expect(await outcomes(server.url, disabled, 6)).toEqual(told);
      for (let at = 0; at < 6; at += 1) {
        const { code, text } = await rawS3(server.s3Url, disabled)({ method: 'GET', target: '/' });
        expect([code, text]).toEqual(['InvalidAccessKeyId', expect.stringContaining('was disabled on')]);
        const presigned = await fetch(await presign(server.s3Url, disabled, { target: '/revisions/a/b' }));
        expect(await presigned.text()).toContain('was disabled on');
      }
      expect(await outcomeOf(server.url, other)).toBe('done');
      const wrong = { ...disabled, secretAccessKey: 'wrong' };
      const { code, text } = await rawS3(server.s3Url, wrong)({ method: 'GET', target: '/' });
      expect([code, text]).toEqual(['InvalidAccessKeyId', expect.stringContaining('is not known here')]);
    });
  });
});

describe('a client behind a proxy that the server trusts', () => {
  const rates = { failures: { perSecond: HOURLY, burst: 2 } };
  const guess = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'wrong' };
  /** Signed as always; the proxy adds the header, which no signature covers. */
  const askAs = (server: TestServer, address: string, key: Key) =>
    rawS3(server.s3Url, key)({ method: 'GET', target: '/', unsigned: [['x-forwarded-for', address]] });

  test('is shut out alone when it guesses, whatever it writes itself, and others behind the proxy go on', async () => {
    const work = async (server: TestServer) => {
      const key = await server.key('admin');
      const codes: (string | null)[] = [];
      for (const own of ['', '203.0.113.1, ', '203.0.113.2, ']) {
        codes.push((await askAs(server, `${own}198.51.100.1`, guess)).code);
      }
      expect(codes).toEqual(['InvalidAccessKeyId', 'InvalidAccessKeyId', 'SlowDown']);
      expect((await askAs(server, '198.51.100.1', key)).code).toBe('SlowDown');
      expect((await askAs(server, '198.51.100.2', key)).status).toBe(200);
    };
    await withServer(rates, work, ['127.0.0.1']);
  });

  test('is one with all others while the server trusts no proxy', async () => {
    await withServer(rates, async (server) => {
      const key = await server.key('admin');
      for (const address of ['198.51.100.1', '198.51.100.2']) await askAs(server, address, guess);
      expect((await askAs(server, '198.51.100.3', key)).code).toBe('SlowDown');
    });
  });
});

describe('a bucket', () => {
  let nowMs = 0;
  const takes = (buckets: Buckets, name: string, times: number) =>
    Array.from({ length: times }, () => buckets.take(name));

  test('gives what came together at once, then so many a second, and says how long to wait', () => {
    const buckets = createBuckets({ perSecond: 2, burst: 3 }, 10, () => nowMs);
    expect(takes(buckets, 'a', 5)).toEqual([0, 0, 0, 500, 500]);
    nowMs += 250;
    expect(takes(buckets, 'a', 1)).toEqual([250]);
    nowMs += 250;
    expect(takes(buckets, 'a', 2)).toEqual([0, 500]);
    nowMs += 60_000;
    expect(takes(buckets, 'a', 4)).toEqual([0, 0, 0, 500]);
    expect([buckets.waitMs('a'), buckets.waitMs('b')]).toEqual([500, 0]);
  });

  test('takes a bounded place, whatever strangers call themselves', () => {
    const buckets = createBuckets({ perSecond: 1, burst: 1 }, 100, () => nowMs);
    for (let at = 0; at < 10_000; at += 1) buckets.take(`stranger-${at}`);
    expect(buckets.size).toBe(100);
    expect(takes(buckets, 'stranger-9999', 1)).toEqual([1000]);
  });
});
