import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestFor } from '../../../src/protocol/sigv4/request.ts';
import { Sha256, sha256Hex } from '../../../src/protocol/sigv4/sha256.ts';
import { verifySignature } from '../../../src/protocol/sigv4/verify.ts';
import { rememberedSigningKeys } from '../../../src/server/secrets/remembered.ts';

const nowMs = Date.UTC(2026, 0, 31, 14, 5, 9);
const credentials = { accessKeyId: 'AKIASLIPWAYTEST', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

const segment = fc.constantFrom('', '.', '..', 'a', 'b c', "it's(1)*!", '%2F', '%41', '~', 'ü', '+', '=', 'x;y');
const path = fc.array(segment, { maxLength: 5 }).map((segments) => encodeURI(`/${segments.join('/')}`));
const pair = fc.tuple(segment, fc.option(segment, { nil: undefined }));
const query = fc
  .array(pair, { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join('&'));
const value = fc.constantFrom('', 'a', ' a ', 'a   b', 'a\tb', '"quoted  blanks"', '\u00e4', 'a,b');
const headers = fc.dictionary(fc.constantFrom('x-amz-meta-a', 'x-b', 'user-agent', 'content-type', 'z'), value);

test.each([true, false])(
  'a request with any path, query and headers has the signature that the signer of AWS gives it (path escaped: %s)',
  (uriEscapePath) =>
    fc.assert(
      fc.asyncProperty(path, query, headers, fc.string(), async (anyPath, anyQuery, anyHeaders, body) => {
        const target = anyQuery === '' ? anyPath : `${anyPath}?${encodeURI(anyQuery)}`;
        const signer = new SignatureV4({
          ...{ service: 's3', region: 'eu-central-1', credentials, sha256: Sha256, uriEscapePath },
        });
        const request = requestFor({ method: 'PUT', target, headers: { ...anyHeaders, host: 'server:1' }, body });
        const signed = await signer.sign(request, {
          signingDate: new Date(nowMs),
          signableHeaders: new Set(Object.keys(anyHeaders)),
        });
        const given = { method: 'PUT', path: target, headers: signed.headers, bodySha256: sha256Hex(body) };
        const options = { services: ['s3'], nowMs, uriEscapePath, secretOf: async () => credentials.secretAccessKey };
        await expect(verifySignature(given, options)).resolves.toMatchObject({ region: 'eu-central-1' });
      }),
    ),
);

test('a remembered signing key is that of its own secret, day, region and service', () => {
  const remember = rememberedSigningKeys();
  const scope = { day: '20260131', region: 'us-east-1', service: 'codedeploy' };
  const scopes = [
    scope,
    { ...scope, day: '20260201' },
    { ...scope, region: 'eu-central-1' },
    { ...scope, service: 's3' },
    { ...scope, region: 'r'.repeat(10_000) },
  ];
  const keysOf = () =>
    ['secret', 'a/b', 'b'].flatMap((secret) => scopes.map((one) => remember(secret, one).toString('hex')));
  const first = keysOf();
  expect(new Set(first).size).toBe(first.length);
  expect(keysOf()).toEqual(first);
});
