import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../src/protocol/errors.ts';
import { sha256Hex } from '../../../src/protocol/sigv4/sha256.ts';
import { signRequest } from '../../../src/protocol/sigv4/sign.ts';
import { type SignedRequest, type VerifyOptions, verifySignature } from '../../../src/protocol/sigv4/verify.ts';

const nowMs = Date.UTC(2026, 0, 31, 14, 5, 9);
const MINUTE_MS = 60_000;
const credentials = { accessKeyId: 'AKIASLIPWAYTEST', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const scope = { service: 'codedeploy', region: 'us-east-1' };
const target = 'CodeDeploy_20141006.ListApplications';

async function signed(
  changes: {
    readonly body?: string;
    readonly headers?: Record<string, string>;
    readonly atMs?: number;
    readonly service?: string;
    readonly sessionToken?: string;
  } = {},
): Promise<SignedRequest> {
  const body = changes.body ?? '{}';
  const { sessionToken } = changes;
  const headers = await signRequest(
    {
      method: 'POST',
      url: new URL('http://127.0.0.1:8080/'),
      headers: changes.headers ?? { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body,
    },
    sessionToken === undefined ? credentials : { ...credentials, sessionToken },
    { ...scope, service: changes.service ?? scope.service },
    changes.atMs ?? nowMs,
  );
  return { method: 'POST', path: '/', headers, bodySha256: sha256Hex(body) };
}

function verify(request: SignedRequest, changes: Partial<VerifyOptions> = {}) {
  return verifySignature(request, {
    services: ['codedeploy', 'codedeploy-commands'],
    nowMs,
    secretOf: async (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : null),
    ...changes,
  });
}

/** The request with some headers replaced; undefined takes one away. */
function withHeaders(request: SignedRequest, changes: Record<string, string | undefined>): SignedRequest {
  const headers = Object.entries({ ...request.headers, ...changes }).filter(([, value]) => value !== undefined);
  return { ...request, headers: Object.fromEntries(headers) as Record<string, string> };
}

function withAuthorization(request: SignedRequest, change: (text: string) => string): SignedRequest {
  return withHeaders(request, { authorization: change(request.headers['authorization'] ?? '') });
}

describe('a request that was signed with the right secret', () => {
  test('is verified, and says who signed it for what', async () => {
    expect(await verify(await signed())).toEqual({
      accessKeyId: credentials.accessKeyId,
      service: 'codedeploy',
      region: 'us-east-1',
      sessionToken: null,
    });
  });

  test('brings its session token along', async () => {
    expect(await verify(await signed({ sessionToken: 'token+/=' }))).toMatchObject({ sessionToken: 'token+/=' });
  });

  test('is verified with any body, in any script', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const body = text.toWellFormed();
        await expect(verify(await signed({ body }))).resolves.toBeDefined();
      }),
      { numRuns: 30 },
    ));

  test.each([-5 * MINUTE_MS, 5 * MINUTE_MS])('is verified when the clocks differ by %d ms', async (skewMs) => {
    await expect(verify(await signed({ atMs: nowMs + skewMs }))).resolves.toBeDefined();
  });
});

describe('a clock that is more than five minutes', () => {
  test.each([
    ['behind', -5 * MINUTE_MS - 1000, '2026-01-31T14:00:08.000Z'],
    ['ahead', 5 * MINUTE_MS + 1000, '2026-01-31T14:10:10.000Z'],
  ])('%s is told both times', async (_, skewMs, signedAt) => {
    const message = await verify(await signed({ atMs: nowMs + skewMs })).catch((error: ApiError) => error.message);
    expect(message).toContain(signedAt);
    expect(message).toContain('2026-01-31T14:05:09.000Z');
    await expect(verify(await signed({ atMs: nowMs + skewMs }))).rejects.toMatchObject({
      type: 'InvalidSignatureException',
      status: 400,
    });
  });
});

describe('a request is refused as', () => {
  const changed = async (change: (request: SignedRequest) => SignedRequest) => change(await signed());

  test.each<[string, string, (request: SignedRequest) => SignedRequest]>([
    ['MissingAuthenticationTokenException', 'no Authorization', (it) => withHeaders(it, { authorization: undefined })],
    ['MissingAuthenticationTokenException', 'no Authorization', (it) => withHeaders(it, { authorization: '  ' })],
    ['IncompleteSignatureException', 'AWS4-HMAC-SHA256', (it) => withHeaders(it, { authorization: 'Bearer x' })],
    ['IncompleteSignatureException', 'AWS4-HMAC-SHA256', (it) => withAuthorization(it, (text) => `x${text}`)],
    ['IncompleteSignatureException', 'Credential', (it) => withAuthorization(it, (text) => text.slice(0, 20))],
    [
      'IncompleteSignatureException',
      'Credential',
      (it) => withAuthorization(it, (text) => text.replace('us-east-1', '')),
    ],
    ['IncompleteSignatureException', 'Credential', (it) => withAuthorization(it, (text) => text.replace('aws4_', ''))],
    [
      'IncompleteSignatureException',
      'SignedHeaders',
      (it) => withAuthorization(it, (text) => text.replace(/SignedHeaders=[^,]*/, '')),
    ],
    [
      'IncompleteSignatureException',
      'SignedHeaders',
      (it) => withAuthorization(it, (text) => text.replace(/SignedHeaders=[^,]*/, 'SignedHeaders=;')),
    ],
    ['IncompleteSignatureException', '64 hexadecimal', (it) => withAuthorization(it, (text) => text.slice(0, -1))],
    [
      'IncompleteSignatureException',
      '64 hexadecimal',
      (it) => withAuthorization(it, (text) => text.replace(/Signature=.*/, 'Signature=')),
    ],
    ['IncompleteSignatureException', 'x-amz-date', (it) => withHeaders(it, { 'x-amz-date': undefined })],
    ['IncompleteSignatureException', 'x-amz-date', (it) => withHeaders(it, { 'x-amz-date': 'yesterday' })],
    ['IncompleteSignatureException', 'names no time', (it) => withHeaders(it, { 'x-amz-date': '20261301T000000Z' })],
    [
      'IncompleteSignatureException',
      'the day in its Credential',
      (it) => withAuthorization(it, (text) => text.replace('/20260131/', '/20260130/')),
    ],
    [
      'IncompleteSignatureException',
      'host is not among',
      (it) => withAuthorization(it, (text) => text.replace(';host', '')),
    ],
    [
      'IncompleteSignatureException',
      'x-amz-target is not among',
      (it) => withAuthorization(it, (text) => text.replace(';x-amz-target', '')),
    ],
    [
      'IncompleteSignatureException',
      'x-amz-date is not among',
      (it) => withAuthorization(it, (text) => text.replace(';x-amz-date', '')),
    ],
    [
      'IncompleteSignatureException',
      'x-amz-security-token is not among',
      (it) => withHeaders(it, { 'x-amz-security-token': 'slipped in' }),
    ],
    [
      'IncompleteSignatureException',
      'content-type did not arrive',
      (it) => withHeaders(it, { 'content-type': undefined }),
    ],
    [
      'IncompleteSignatureException',
      'constructor did not arrive',
      (it) => withAuthorization(it, (text) => text.replace('host;', 'constructor;host;')),
    ],
    [
      'IncompleteSignatureException',
      'date is not one to sign',
      (it) =>
        withHeaders(
          withAuthorization(it, (text) => text.replace(';host', ';date;host')),
          { date: 'Sat, 31 Jan 2026' },
        ),
    ],
    [
      'UnrecognizedClientException',
      'AKIASOMEBODYELSE',
      (it) => withAuthorization(it, (text) => text.replace(credentials.accessKeyId, 'AKIASOMEBODYELSE')),
    ],
    [
      'InvalidSignatureException',
      "service 's3'",
      (it) => withAuthorization(it, (text) => text.replace('/codedeploy/', '/s3/')),
    ],
    [
      'InvalidSignatureException',
      'does not match',
      (it) => withAuthorization(it, (text) => text.replace('us-east-1', 'us-east-2')),
    ],
    ['InvalidSignatureException', 'does not match', (it) => withHeaders(it, { host: 'elsewhere.example' })],
    [
      'InvalidSignatureException',
      'does not match',
      (it) => withHeaders(it, { 'x-amz-target': 'CodeDeploy_20141006.DeleteApplication' }),
    ],
    ['InvalidSignatureException', 'does not match', (it) => ({ ...it, method: 'PUT' })],
    ['InvalidSignatureException', 'does not match', (it) => ({ ...it, path: '/?a=b' })],
    ['InvalidSignatureException', 'the body that arrived', (it) => ({ ...it, bodySha256: sha256Hex('{"a":1}') })],
    [
      'InvalidSignatureException',
      'does not match',
      (it) =>
        withHeaders({ ...it, bodySha256: sha256Hex('{"a":1}') }, { 'x-amz-content-sha256': sha256Hex('{"a":1}') }),
    ],
    [
      'InvalidSignatureException',
      'the body that arrived',
      (it) => withHeaders(it, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    ],
  ])('%s when it says: %s', async (type, words, change) => {
    const error = await verify(await changed(change)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ type, message: expect.stringContaining(words) });
  });

  test('InvalidSignatureException when the secret is another one', async () => {
    await expect(verify(await signed(), { secretOf: async () => 'another' })).rejects.toMatchObject({
      type: 'InvalidSignatureException',
    });
  });

  test('something the API knows, and never as a fault of ours, whatever the Authorization header holds', async () => {
    const request = await signed();
    const authorization = request.headers['authorization'] ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat(authorization.length), fc.nat(8), fc.string(), async (at, length, text) => {
        const hostile = authorization.slice(0, at) + text + authorization.slice(at + length);
        fc.pre(hostile !== authorization);
        const outcome = await verify(withHeaders(request, { authorization: hostile })).catch(
          (thrown: unknown) => thrown,
        );
        // Blanks between the fields and headers named twice or in capitals mean the same request.
        if (!(outcome instanceof ApiError)) expect(outcome).toMatchObject({ accessKeyId: credentials.accessKeyId });
      }),
    );
  });
});

test('the secret is asked for only when everything else is in order', async () => {
  const asked: string[] = [];
  const secretOf = async (id: string) => {
    asked.push(id);
    return credentials.secretAccessKey;
  };
  await verify(await signed({ atMs: 0 }), { secretOf }).catch(() => undefined);
  await verify(await signed({ service: 's3' }), { secretOf }).catch(() => undefined);
  expect(asked).toEqual([]);
  await verify(await signed(), { secretOf });
  expect(asked).toEqual([credentials.accessKeyId]);
});

describe('what has to be signed can be chosen', () => {
  test('a request without a target passes when only the host is demanded', async () => {
    const request = await signed({ headers: {} });
    await expect(verify(request, { requiredHeaders: ['host'] })).resolves.toBeDefined();
  });

  test('a header that is demanded and slipped in later is refused', async () => {
    const request = withHeaders(await signed(), { 'x-amz-copy-source': '/other/secret' });
    await expect(verify(request, { requiredHeaders: ['host', 'x-amz-copy-source'] })).rejects.toMatchObject({
      type: 'IncompleteSignatureException',
    });
  });
});
