/** The sign-in's own cryptography, and its one-time form. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fragmentOf, keyOfSignIn, oneTimeSignIn } from '../../src/console/sign-in/one-time.ts';
import { hex, hmacSha256, sha256 } from '../../src/console/sign-in/sha256.ts';
import { SESSION_PATH, signSignIn } from '../../src/console/sign-in/sign.ts';
import { verifySignature } from '../../src/protocol/sigv4/verify.ts';

const KEY = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
const NOW_MS = Date.UTC(2026, 10, 29, 12, 0, 0);

test('hashes are those of the platform, for data of any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      expect(hex(sha256(data))).toBe(createHash('sha256').update(data).digest('hex'));
    }),
  );
});

test('keyed hashes are those of the platform, for keys of any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.uint8Array({ maxLength: 150 }), (key, data) => {
      expect(hex(hmacSha256(key, data))).toBe(createHmac('sha256', key).update(data).digest('hex'));
    }),
  );
});

test('a sign-in is signed as the server verifies it, whatever the key and the host', async () => {
  const host = fc.webAuthority({ withPort: true, withUserInfo: false });
  await fc.assert(
    fc.asyncProperty(host, fc.string({ minLength: 1 }), fc.uuid(), async (name, secretAccessKey, nonce) => {
      const headers = { ...signSignIn({ ...KEY, secretAccessKey }, { host: name, nonce, nowMs: NOW_MS }), host: name };
      const request = { method: 'POST', path: SESSION_PATH, headers, bodySha256: hex(sha256(new Uint8Array())) };
      const options = { services: ['codedeploy'], nowMs: NOW_MS };
      const verified = await verifySignature(request, { ...options, secretOf: async () => secretAccessKey });
      expect(verified.accessKeyId).toBe(KEY.accessKeyId);
      const other = verifySignature(request, { ...options, secretOf: async () => `${secretAccessKey}x` });
      await expect(other).rejects.toMatchObject({ type: 'InvalidSignatureException' });
    }),
    { numRuns: 50 },
  );
});

describe('a one-time sign-in', () => {
  const headers = signSignIn(KEY, { host: '127.0.0.1:8400', nonce: 'a1-b2', nowMs: NOW_MS });

  test('comes through the fragment of an address as it was', () => {
    const url = new URL(fragmentOf(headers), 'http://127.0.0.1:8400/console/');
    expect(oneTimeSignIn(url.hash)).toEqual(headers);
    expect(keyOfSignIn(headers)).toBe('AKIAEXAMPLE');
  });

  test.each(['', '#', '#sign-in=', '#sign-in=%zz', '#sign-in=20261129T120000Z', '#other=1'])(
    'is none in %j',
    (fragment) => {
      expect(oneTimeSignIn(fragment)).toBeNull();
    },
  );
});
