/** Attacks on the agent by the sources that it downloads from: what never ends, or lies about its length. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { advertisement, FLUSH, NO_HAVES, packetLine, reference, sendForever, shallow } from '../support/git-servers.ts';
import { startDaemon } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';
import { besiegeHost, byteServer, DOWNLOAD_LIMITS, honestBundle, honestly, hostileServer } from './besieged-host.ts';

const PROMISE = 'a store takes no more of the host than a bundle within the limits does';
const COMMIT = '0123456789'.repeat(4);
/** How each bundle of a hostile store begins and never ends, by its key; and what the agent says of it. */
const ENDLESS: Readonly<Record<string, { readonly says: RegExp; readonly listener: RequestListener }>> = {
  'error.tar': {
    says: /403|denied|Forbidden/i,
    listener(_request, response) {
      response.writeHead(403, { 'content-type': 'application/xml' });
      sendForever(response, Buffer.from('<'), 0);
    },
  },
  'bundle.tar': {
    says: /2000000 bytes/,
    listener(request, response) {
      response.writeHead(200);
      if (request.method === 'HEAD') response.end();
      else sendForever(response, Buffer.alloc(1024), 0);
    },
  },
  'trickle.tar': {
    says: /REVISION_TOO_SLOW.*download_min_rate|bytes came in 3 seconds/s,
    listener(_request, response) {
      response.writeHead(200);
      sendForever(response, Buffer.from('x'), 100);
    },
  },
  'just-fast-enough.tar': {
    says: /not here after 12 seconds/,
    listener(_request, response) {
      response.writeHead(200);
      sendForever(response, Buffer.alloc(500), 100);
    },
  },
};

const keyOf = (url = '') => url.split('?')[0]?.split('/').at(-1) ?? '';

async function endless(ground: AttackGround): Promise<void> {
  const listener: RequestListener = (request, response) => ENDLESS[keyOf(request.url)]?.listener(request, response);
  await using store = await hostileServer(honestly(honestBundle(ground), listener));
  await besiegeHost(
    ground,
    'endless-store',
    [...DOWNLOAD_LIMITS, `s3_endpoint_override: ${store.url}`],
    async (besieged) => {
      for (const [key, { says }] of Object.entries(ENDLESS)) await besieged.fails({ key }, says);
      await besieged.stillWorks();
    },
  );
}

const LENGTHS: Readonly<Record<string, string>> = {
  'longer.tar': 'Content-Length: 100000\r\n\r\nabc',
  'shorter.tar': 'Content-Length: 3\r\n\r\nabcdef',
  'negative.tar': 'Content-Length: -1\r\n\r\nabc',
  'twice.tar': 'Content-Length: 3\r\nContent-Length: 100\r\n\r\nabc',
  'chunked.tar': 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'no-number.tar': 'Content-Length: 1e9\r\n\r\nabc',
};

async function lyingLengths(ground: AttackGround): Promise<void> {
  const asked = new Map<string, number>();
  await using liar = await byteServer((path) => {
    const key = keyOf(path);
    asked.set(key, (asked.get(key) ?? 0) + 1);
    return `HTTP/1.1 200 OK\r\nETag: "e"\r\n${LENGTHS[key]}`;
  });
  await using store = await hostileServer(honestly(honestBundle(ground), (_request, response) => void response.end()));
  await besiegeHost(
    ground,
    'lying-store',
    [...DOWNLOAD_LIMITS, `s3_endpoint_override: ${store.url}`],
    async (besieged) => {
      for (const key of Object.keys(LENGTHS)) await besieged.fails({ url: `${liar.url}/${key}` }, /REVISION_/);
      // What ends too early may be whole the next time; no other try helps the rest.
      const most = (key: string) => (key === 'longer.tar' ? 5 : 1);
      for (const [key, times] of asked) assert.ok(times <= most(key), `${key} was asked for ${times} times`);
      await besieged.stillWorks();
    },
  );
}

const GIT: Readonly<Record<string, { readonly says: RegExp; readonly listener: RequestListener }>> = {
  'references-without-end': {
    says: /git_max_memory|bytes of memory/,
    listener(_request, response) {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      response.write(Buffer.concat([packetLine('# service=git-upload-pack\n'), FLUSH, advertisement(COMMIT)]));
      sendForever(response, reference(COMMIT, 'b'), 0);
    },
  },
  'references-that-trickle': {
    says: /REVISION_TOO_SLOW/,
    listener(_request, response) {
      response.writeHead(200, { 'content-type': 'text/plain' });
      sendForever(response, Buffer.from(`${COMMIT}\trefs/heads/b\n`), 50);
    },
  },
  'progress-for-ever': {
    says: /REVISION_TOO_SLOW/,
    listener(request, response) {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
        response.end(Buffer.concat([packetLine('# service=git-upload-pack\n'), FLUSH, advertisement(COMMIT), FLUSH]));
        return;
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
        response.write(shallow(COMMIT));
        if (!Buffer.concat(chunks).includes('0009done')) return void response.end();
        response.write(NO_HAVES);
        sendForever(response, packetLine('\u0002Counting objects:   1% (1/100)\r'), 0);
      });
    },
  },
};

async function hostileGit(ground: AttackGround): Promise<void> {
  await using git = await hostileServer((request, response) => {
    const name = request.url?.split('/')[1] ?? '';
    GIT[name]?.listener(request, response);
  });
  await using store = await hostileServer(honestly(honestBundle(ground), (_request, response) => void response.end()));
  await besiegeHost(
    ground,
    'hostile-git',
    [...DOWNLOAD_LIMITS, `s3_endpoint_override: ${store.url}`],
    async (besieged) => {
      for (const [name, { says }] of Object.entries(GIT))
        await besieged.fails({ git: `${git.url}/${name}/r.git` }, says);
      await besieged.stillWorks();
    },
  );
}

async function intoRootDir(ground: AttackGround): Promise<void> {
  const planted = join(ground.folder, 'host', 'deployment-root', 'planted');
  const evil = honestBundle(ground, planted);
  const listener: RequestListener = (request, response) => {
    response.writeHead(200, { 'content-length': evil.length, etag: '"evil"' });
    response.end(request.method === 'HEAD' ? undefined : evil);
  };
  const honest = honestBundle({ ...ground, folder: join(ground.folder, 'honest') });
  await using store = await hostileServer(honestly(honest, listener));
  await besiegeHost(ground, 'into-root-dir', [`s3_endpoint_override: ${store.url}`], async (besieged) => {
    await besieged.fails({ key: 'evil.tar' }, /INSTALL_/);
    assert.equal(existsSync(planted), false);
    await besieged.stillWorks();
  });
}

/** Trickles from the first byte on; an agent without a file that says who it is asks there. */
async function tricklingMetadata(ground: AttackGround): Promise<void> {
  const server = createServer((_request, response) => sendForever(response.writeHead(200), Buffer.from('T'), 50));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const at = (name: string) => join(ground.folder, name);
    const settings = ['root_dir', 'log_dir', 'pid_dir'].map((key) => `${key}: ${at(key)}`);
    writeFileSync(at('agent.yml'), [...settings, `on_premises_config_file: ${at('nowhere.yml')}`].join('\n'));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const agent = startDaemon(['agent', '--config-file', at('agent.yml')], {
      env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: url },
      stderrFile: at('agent.log'),
    });
    ground.watch('agent', agent);
    await agent.exited;
    assert.match(agent.log(), /AGENT_NO_IDENTITY/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export const DOWNLOAD_ATTACKS: readonly Attack[] = [
  {
    promise: PROMISE,
    name: 'a store sends errors and bundles without an end, fast, slowly, and just fast enough',
    limitSeconds: 90,
    run: endless,
  },
  { promise: PROMISE, name: 'a store lies about the length of its bundles', limitSeconds: 90, run: lyingLengths },
  {
    promise: PROMISE,
    name: 'a git server sends references and words without an end',
    limitSeconds: 90,
    run: hostileGit,
  },
  { promise: PROMISE, name: 'instance metadata trickles', limitSeconds: 30, run: tricklingMetadata },
  {
    promise: 'no bundle installs into the agent’s own places',
    name: 'a bundle names a destination below root_dir',
    limitSeconds: 60,
    run: intoRootDir,
  },
];
