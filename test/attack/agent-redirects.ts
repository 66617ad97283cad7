/** Attacks on the agent by sources that send on to other places. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { Attack, AttackGround } from './attack.ts';
import { besiegeHost, byteServer, DOWNLOAD_LIMITS, honestBundle, honestly, hostileServer } from './besieged-host.ts';

const PROMISE = 'no store sends a host to places that are none of its own';
/** Of the link, and nobody's: what sends a host there sends it to its metadata as well. */
const LINK_ADDRESS = '169.254.7.7';

const keyOf = (url = '') => url.split('?')[0]?.split('/').at(-1) ?? '';

async function redirects(ground: AttackGround): Promise<void> {
  let asked = 0;
  const targets = ['file:///etc/passwd', 'ftp://127.0.0.1/a', `http://${LINK_ADDRESS}/latest/meta-data/`, '/circle'];
  await using store = await hostileServer(
    honestly(honestBundle(ground), (request, response) => {
      asked += 1;
      const target = targets[Number(keyOf(request.url))] ?? '/circle';
      response.writeHead(302, { location: target }).end();
    }),
  );
  await using wordy = await byteServer(
    () => `HTTP/1.1 302 Found\r\nLocation: /${'x'.repeat(1024 * 1024)}\r\nContent-Length: 0\r\n\r\n`,
  );
  await besiegeHost(
    ground,
    'sending-on',
    [...DOWNLOAD_LIMITS, `s3_endpoint_override: ${store.url}`],
    async (besieged) => {
      for (const n of targets.keys()) {
        asked = 0;
        await besieged.fails({ url: `${store.url}/${n}` }, /REVISION_REDIRECT_REFUSED/);
        assert.ok(asked <= 6, `the store was asked ${asked} times`);
      }
      await besieged.fails({ url: `${wordy.url}/long` }, /REVISION_UNREACHABLE/);
      await besieged.fails({ git: `${store.url}/0/repo.git` }, /REVISION_REDIRECT_REFUSED/);
      await besieged.stillWorks();
    },
  );
}

/** An address of this machine that others can reach, so that a server there is one outside; null: there is none. */
const OUTSIDE =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.internal === false && one.family === 'IPv4' && !one.address.startsWith('169.254.'))?.address ??
  null;

async function redirectsFromOutside(ground: AttackGround): Promise<void> {
  const reached: string[] = [];
  await using secret = await hostileServer((request, response) => {
    reached.push(request.url ?? '');
    response.end('a secret');
  });
  const { port } = new URL(secret.url);
  const hosts = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `2130706433:${port}`,
    `[::ffff:7f00:1]:${port}`,
    LINK_ADDRESS,
  ];
  let next = 0;
  const sendOn: RequestListener = (_request, response) =>
    void response.writeHead(302, { location: `http://${hosts[next]}/secret` }).end();
  await using gitHub = await hostileServer(sendOn, OUTSIDE ?? undefined);
  await using store = await hostileServer(honestly(honestBundle(ground), sendOn));
  const settings = [...DOWNLOAD_LIMITS, `github_endpoint: ${gitHub.url}`, `s3_endpoint_override: ${store.url}`];
  await besiegeHost(ground, 'outside', settings, async (besieged) => {
    for (; next < hosts.length; next += 1) await besieged.fails('GitHub', /REVISION_REDIRECT_REFUSED/);
    assert.deepEqual(reached, []);
    await besieged.stillWorks();
  });
}

export const REDIRECT_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'a store sends on to files, to the link, in circles and by an address of a megabyte',
    limitSeconds: 90,
    run: redirects,
  },
  {
    promise: PROMISE,
    name: 'a store outside sends on to services of this machine',
    limitSeconds: 90,
    missing: OUTSIDE === null ? 'an address that is not loopback' : null,
    run: redirectsFromOutside,
  },
];
