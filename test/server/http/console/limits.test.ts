/** Limits on requests of the console: whose they count as, and what the page does beyond them. */
import { afterEach, expect, test, vi } from 'vitest';
import { listen } from '../../../../src/console/api/stream.ts';
import { NO_RATE_LIMITS } from '../../../../src/server/connections/rates.ts';
import { callConsole, sendToConsole, signInToConsole } from '../../../support/console-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { testServer } from '../../../support/test-server.ts';

afterEach(() => vi.unstubAllGlobals());

test('a session of a disabled key counts as its key’s', async () => {
  using scratch = scratchFolder();
  const rates = { ...NO_RATE_LIMITS, perKey: { perSecond: 1 / 3600, burst: 3 } };
  await using server = await testServer(scratch.at('data'), undefined, undefined, { rates });
  const key = await server.key('viewer');
  const cookie = await signInToConsole(server.url, key);
  await server.disable(key.accessKeyId);
  const types: unknown[] = [];
  for (let at = 0; at < 3; at += 1)
    types.push((await callConsole(server.url, cookie, 'ListApplications', {})).body['__type']);
  const signedOut = 'MissingAuthenticationTokenException';
  expect(types).toEqual([signedOut, signedOut, 'ThrottlingException']);
});

test('a page that asks too much at once is told of changes later', async () => {
  using scratch = scratchFolder();
  const rates = { ...NO_RATE_LIMITS, perKey: { perSecond: 2, burst: 2 } };
  await using server = await testServer(scratch.at('data'), undefined, undefined, { rates });
  const cookie = await signInToConsole(server.url, await server.key('viewer'));
  const statuses: number[] = [];
  // A browser adds the address of its page, and the cookie.
  vi.stubGlobal('fetch', inBrowser(server.url, cookie, statuses));
  while ((await callConsole(server.url, cookie, 'ListApplications', {})).status === 200);
  const ended = new AbortController();
  let isLive = false;
  const onLive = (now: boolean) => {
    isLive = now;
  };
  const listening = listen(
    'deployments',
    { onChange: () => undefined, onSignedOut: () => undefined, onLive },
    ended.signal,
  );
  await eventually(() => isLive);
  expect(statuses[0]).toBe(400);
  ended.abort();
  await listening;
});

function inBrowser(url: string, cookie: string, statuses: number[]): typeof fetch {
  const real = fetch;
  return async (address, options) => {
    if (typeof address !== 'string') return real(address, options);
    const answer = await sendToConsole(url, address, { method: 'GET', cookie }, options?.signal ?? undefined);
    statuses.push(answer.status);
    return answer;
  };
}
