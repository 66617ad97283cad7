/** Attacks on the revision store: requests that say more, or something else, than it understands. */
import assert from 'node:assert/strict';
import { presign } from '../support/presigned.ts';
import { type RawRequest, rawS3, type SendRaw } from '../support/raw-s3.ts';
import { runSlipway } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'the revision store changes nothing that it was not asked for in words that it knows';
const BUNDLE = '/revisions/attacked.zip';

/** An operator's requests, and a bundle to be harmed. */
async function prepared(ground: AttackGround): Promise<SendRaw> {
  const server = await ground.sharedServer();
  const send = rawS3(server.s3Url, {
    accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  });
  assert.equal((await send({ method: 'PUT', target: BUNDLE, body: 'the bundle' })).status, 200);
  return send;
}

function leavesTheBundle(name: string, requests: readonly RawRequest[]): Attack {
  return {
    promise: PROMISE,
    name,
    async run(ground) {
      const send = await prepared(ground);
      for (const request of requests) {
        const { status } = await send(request);
        assert.ok(status >= 400, `${request.method} ${request.target} was answered with ${status}`);
        assert.equal(
          (await send({ method: 'GET', target: BUNDLE })).text,
          'the bundle',
          `${request.method} ${request.target}`,
        );
      }
    },
  };
}

const RESOURCES = ['acl', 'retention', 'legal-hold', 'restore', 'select', 'attributes', 'renameObject', 'append'];
const HEADERS = ['x-amz-copy-source', 'x-amz-server-side-encryption', 'x-amz-object-lock-mode', 'x-amz-new'];

export const S3_ATTACKS: readonly Attack[] = [
  leavesTheBundle(
    'a client writes and deletes resources of an object that the store does not have',
    RESOURCES.flatMap((name) => [
      { method: 'PUT', target: `${BUNDLE}?${name}`, body: '<x/>' },
      { method: 'DELETE', target: `${BUNDLE}?${name}` },
    ]),
  ),
  leavesTheBundle(
    'a client sends headers that would change what is stored',
    HEADERS.map((name) => ({ method: 'PUT', target: BUNDLE, headers: { [name]: 'x' }, body: 'other' })),
  ),
  leavesTheBundle('a client addresses the bucket in the host’s name', [
    { method: 'PUT', target: '/attacked.zip', headers: { host: 'revisions.localhost' }, body: 'other' },
    ...['revisions.localhost.', 'sub.revisions.localhost', 'any.name.127.0.0.1'].map((host) => ({
      ...{ method: 'PUT', target: BUNDLE, headers: { host }, body: 'other' },
    })),
    { method: 'DELETE', target: BUNDLE, headers: { host: 'revisions.example.com' } },
  ]),
  leavesTheBundle('somebody on the way adds headers or another body to a signed request', [
    { method: 'PUT', target: BUNDLE, body: 'other', unsigned: [['x-amz-meta-a', 'b']] },
    { method: 'PUT', target: BUNDLE, body: 'other', contentSha256: 'UNSIGNED-PAYLOAD' },
    { method: 'PUT', target: BUNDLE, body: 'other', contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    { method: 'PUT', target: BUNDLE, body: 'other', contentSha256: '0'.repeat(64) },
    { method: 'PUT', target: BUNDLE, body: 'other', unsigned: [['authorization', 'AWS4-HMAC-SHA256 x']] },
    { method: 'PUT', target: BUNDLE, body: 'other', headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } },
  ]),
  leavesTheBundle('a client names what is no object as the source of a copy', [
    ...['../../etc/passwd', '.uploads/x', '.incoming/x', 'revisions', 'revisions/', '/', 'arn:aws:s3:::x', '%00/x'].map(
      (source) => ({ method: 'PUT', target: BUNDLE, headers: { 'x-amz-copy-source': source } }),
    ),
    { method: 'PUT', target: BUNDLE, headers: { 'x-amz-copy-source': BUNDLE }, body: 'other' },
  ]),
  leavesTheBundle('a client deletes by lists and versions that say nothing clear', [
    ...[
      '<Delete/>',
      '<Delete><Object/></Delete>',
      '<Delete><Object><Key>attacked.zip</Key><All/></Object></Delete>',
    ].map((body) => ({ method: 'POST', target: '/revisions?delete=', body })),
    {
      method: 'POST',
      target: '/revisions?delete',
      body: `<Delete>${'<Object><Key>attacked.zip</Key></Object>'.repeat(1001)}</Delete>`,
    },
    { method: 'DELETE', target: `${BUNDLE}?versionId=` },
    { method: 'DELETE', target: BUNDLE, headers: { 'if-match': '"other"' } },
    { method: 'DELETE', target: '/revisions' },
    { method: 'DELETE', target: '/revisions?versions' },
  ]),
  {
    promise: 'a presigned address is good for one request',
    name: 'somebody changes a presigned address, uses it for another method, or after its time',
    async run(ground) {
      const send = await prepared(ground);
      const server = await ground.sharedServer();
      const key = {
        accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      };
      const get = await presign(server.s3Url, key, { target: BUNDLE });
      const over = await presign(server.s3Url, key, { method: 'PUT', target: BUNDLE, signedAtMs: Date.now() - 61_000 });
      const long = await presign(server.s3Url, key, { method: 'PUT', target: BUNDLE, expiresIn: 604_800 });
      const other = await presign(server.s3Url, key, { method: 'PUT', target: '/revisions/other.zip' });
      const changed = [
        ...[get, over, long.replace('Expires=604800', 'Expires=604801'), other.replace('other.zip', 'attacked.zip')],
        ...['&tagging=', '&x-amz-copy-source=revisions/x', '&x-amz-meta-a=b'].map((more) => `${long}${more}`),
      ];
      for (const address of changed) {
        for (const method of ['PUT', 'DELETE']) {
          const { status } = await fetch(address, method === 'PUT' ? { method, body: 'other' } : { method });
          assert.ok(status >= 400, `${method} ${address} was answered with ${status}`);
        }
      }
      assert.equal((await send({ method: 'GET', target: BUNDLE })).text, 'the bundle');
      assert.equal((await fetch(get)).status, 200);
    },
  },
  {
    promise: PROMISE,
    name: 'a client sends XML that takes long to read',
    limitSeconds: 20,
    async run(ground) {
      const send = await prepared(ground);
      const { text } = await send({ method: 'POST', target: `${BUNDLE}?uploads=` });
      const target = `${BUNDLE}?uploadId=${/<UploadId>(\w+)</.exec(text)?.[1]}`;
      const bodies = ['<Part><ETag>', '<a>', '&', '<', ' ', '<!--', '&#1;'].map((piece) => piece.repeat(100_000));
      for (const body of bodies) {
        const startedMs = performance.now();
        const answer = await send({ method: 'POST', target, body: `<CompleteMultipartUpload>${body}` });
        assert.equal(answer.status, 400);
        assert.ok(performance.now() - startedMs < 5_000, `${body.slice(0, 12)} took too long`);
      }
    },
  },
  {
    promise: 'a host reads what is its own',
    name: 'a host reads and lists the bundles of others',
    async run(ground) {
      await prepared(ground);
      const server = await ground.sharedServer();
      const made = await runSlipway(
        [
          'keys',
          'create',
          '--role',
          'host',
          '--host-arn',
          'arn:aws:iam::000000000000:user/thief',
          '--data-dir',
          server.dataDir,
          '--json',
        ],
        server.env,
      );
      assert.equal(made.status, 0, made.stderr);
      const send = rawS3(server.s3Url, JSON.parse(made.stdout) as { accessKeyId: string; secretAccessKey: string });
      for (const target of [
        BUNDLE,
        '/revisions',
        '/revisions?list-type=2',
        '/revisions/missing.zip',
        '/revisions?location=',
      ]) {
        assert.equal((await send({ method: 'GET', target })).status, 403, target);
      }
    },
  },
];
