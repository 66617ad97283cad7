import { describe, expect, test } from 'vitest';
import { fail, ok } from '../../src/cli/doctor/check.ts';
import { explainFailingPolls } from '../../src/cli/doctor/kept-away.ts';
import { lookAtName, reach } from '../../src/cli/doctor/reach.ts';

describe('The doctor on the way to a server', () => {
  const place = { url: 'https://only-the-proxy-knows.invalid', key: 'deploy_control_endpoint', proxyUri: null };

  test('finds no fault in a name that only the proxy has to resolve', async () => {
    const env = { https_proxy: 'http://127.0.0.1:9' };
    expect(await lookAtName({ ...place, env }, 'DNS')).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('the proxy 127.0.0.1'),
    });
  });

  test('finds a fault in the name of the proxy, and says where that is configured', async () => {
    const env = { https_proxy: 'http://no-such-proxy.invalid:3128' };
    expect(await lookAtName({ ...place, env }, 'DNS')).toMatchObject({
      status: 'fail',
      remedy: expect.stringMatching(/no-such-proxy\.invalid resolvable.*proxy_uri/),
    });
  });

  test('says of an address of IPv6 without a route that IPv6 is what is missing', async () => {
    const url = 'http://[2001:db8::1]:80';
    const reached = await reach({ ...place, url, check: 'connection', env: {} });
    // Where the machine has a route, nothing answers at an address that is for documentation.
    expect(reached).toMatchObject({
      fault: { status: 'fail', remedy: expect.stringMatching(/ip -6 route|Nothing answers/) },
    });
  });
});

describe('Where the agent’s polls fail', () => {
  const polls = fail(
    'agent',
    'runs as PID 7, but its last 4 polls failed: ENETUNREACH',
    'Put right what the findings name.',
  );

  test('and the doctor gets through, what keeps the service away is named', () => {
    const [finding] = explainFailingPolls([polls], [ok('connection', ''), ok('credentials', 'are accepted')]);
    expect(finding?.remedy).toMatch(/IPAddressDeny=/);
  });

  test.each([
    ['does not get through either', [fail('connection', '', '')]],
    ['gets through and is refused', [ok('connection', ''), fail('credentials', '', '')]],
  ])('and the doctor %s, the findings on the way are named', (_, found) => {
    expect(explainFailingPolls([polls], found)).toEqual([polls]);
  });
});
