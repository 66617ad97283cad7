/** Attacks on the agent by the stores that it downloads from: bundles and errors that never end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { deploymentDriver } from '../support/deployments.ts';
import { enrolHost } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'a store takes no more of the host than a bundle within the limits does';
const LIMITS = [
  'download_min_rate: 1000',
  'download_min_rate_seconds: 4',
  'download_max_seconds: 15',
  'bundle_max_size: 2MB',
];

/** A hostile store on loopback, whose keys are what it does. */
async function store(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Starts an agent that fetches its bundles from the hostile store. */
async function hostFor(ground: AttackGround, storeUrl: string, tag: string) {
  const server = await ground.sharedServer();
  const host = await enrolHost(server, join(ground.folder, 'host'), tag, `Attack=${tag}`);
  const text = readFileSync(host.configFile, 'utf8').replace(/^:?s3_endpoint_override:.*$/m, '');
  writeFileSync(host.configFile, `${text}\n${[...LIMITS, `s3_endpoint_override: ${storeUrl}`].join('\n')}\n`);
  ground.watch('agent', host.startAgent());
  return { server, host };
}

function endless(response: ServerResponse): void {
  Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(64 * 1024, '<');
    })(),
    { objectMode: false },
  ).pipe(response);
}

const revision = (key: string) => ({ key, bundleType: 'tar', eTag: '' }) as const;

/** One deployment of a bundle that this listener answers for must fail in time, with what the agent says of it. */
function failsInTime(name: string, says: RegExp, listener: RequestListener): Attack {
  return {
    promise: PROMISE,
    name,
    limitSeconds: 40,
    async run(ground) {
      await using hostile = await store(listener);
      const tag = `s${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
      const { server } = await hostFor(ground, hostile.url, tag);
      using driver = await deploymentDriver(server, tag, `Attack=${tag}`);
      const { status, events } = await driver.ended(await driver.create(revision('hostile')), 30_000);
      assert.equal(status, 'Failed');
      assert.match(events.map(({ message }) => message).join('\n'), says);
    },
  };
}

export const DOWNLOAD_ATTACKS: readonly Attack[] = [
  failsInTime('a store refuses with an error that never ends', /403|denied|Forbidden/i, (_request, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' });
    endless(response);
  }),
  failsInTime('a store sends a bundle without length and end', /2000000 bytes/, (request, response) => {
    response.writeHead(200);
    if (request.method === 'HEAD') response.end();
    else endless(response);
  }),
];
