/** Attacks on the agent by sources that send on to other places. */
import assert from 'node:assert/strict';
import type { Attack, AttackGround } from './attack.ts';
import { besiegeHost, byteServer, DOWNLOAD_LIMITS, honestBundle, honestly, hostileServer } from './besieged-host.ts';

const PROMISE = 'no store sends a host to places that are none of its own';
/** An address of the link, which nobody has: a redirect to it would also lead a host to its metadata. */
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

export const REDIRECT_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'a store sends on to files, to the link, in circles and by an address of a megabyte',
    limitSeconds: 90,
    run: redirects,
  },
];
