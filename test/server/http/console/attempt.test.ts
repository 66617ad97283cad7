import { expect, test } from 'vitest';
import {
  type Attempt,
  isStateOf,
  openAttempt,
  pageToReturnTo,
  sealAttempt,
} from '../../../../src/server/http/console/attempt.ts';
import { createSealer } from '../../../../src/server/secrets/sealing.ts';
import { systemRandom } from '../../../../src/system/random.ts';

const sealer = createSealer(systemRandom.bytes(32), systemRandom);
const attempt: Attempt = {
  ...{ state: 'state', nonce: 'nonce', codeVerifier: 'verifier' },
  ...{ returnTo: '/console/', before: null, expiresAtMs: 1_000 },
};

test.each([
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '/console/\\evil.example/',
  '/console/../..//evil.example',
  '/console/%2e%2e/revisions/page.html',
  '/console/\r\nset-cookie: a=b',
  '/console/"x',
  '/consoles/',
  '/revisions/page.html',
  `/console/${'x'.repeat(600)}`,
  { toString: () => '/console/hosts' },
  undefined,
])('a page to return to that is not the console’s counts as the dashboard: %j', (wanted) => {
  expect(pageToReturnTo(wanted)).toBe('/console/');
});

test('a page of the console is returned to, with its filters', () => {
  expect(pageToReturnTo('/console/deployments?status=Failed')).toBe('/console/deployments?status=Failed');
});

test('an attempt opens until its time is over, and nothing else that the server seals is one', () => {
  const sealed = sealAttempt(sealer, attempt);
  expect(openAttempt(sealer, sealed, 999)).toEqual(attempt);
  expect(openAttempt(sealer, sealed, 1_000)).toBeNull();
  expect(openAttempt(sealer, sealer.seal(JSON.stringify(attempt)), 0)).toBeNull();
  expect(openAttempt(sealer, sealer.seal('null'), 0)).toBeNull();
  expect(openAttempt(sealer, sealer.seal('a secret key'), 0)).toBeNull();
  expect(openAttempt(sealer, `${sealed.slice(0, -2)}xx`, 0)).toBeNull();
});

test('a state is that of the attempt when it comes once and is the same', () => {
  expect(isStateOf(attempt, ['state'])).toBe(true);
  for (const given of [[], [''], ['stat'], ['State'], ['state', 'state']])
    expect(isStateOf(attempt, given)).toBe(false);
});
