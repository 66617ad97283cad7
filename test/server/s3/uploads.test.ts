/** Uploads in parts are put together while everybody else is served, and what happens meanwhile is not overlooked. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { eventually } from '../../support/eventually.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { openFilesBelow } from '../../support/held-transfers.ts';
import { type RawAnswer, rawS3, type SendRaw } from '../../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type ControlServer, startControlServer } from '../../support/slipway.ts';

/** Together they take a moment to be copied. */
const PARTS = [randomBytes(64 * 1024 * 1024), randomBytes(64 * 1024 * 1024), randomBytes(1024)] as const;
const OTHER_PART = Buffer.alloc(PARTS[1].length, 'x');
const WHOLE = Buffer.concat(PARTS);

let scratch: ScratchFolder;
let server: ControlServer;
let admin: ManagementClient;
let send: SendRaw;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await startControlServer(scratch.at('server'));
  const key = {
    accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  admin = managementClient(server.url, key);
  send = rawS3(server.s3Url, key);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');
const upload = async (name: string): Promise<string> => {
  const target = `/revisions/${name}`;
  const begun = await send({ method: 'POST', target: `${target}?uploads` });
  const id = /<UploadId>(\w+)</.exec(begun.text)?.[1] ?? '';
  for (const [index, body] of PARTS.entries())
    expect(await put(name, id, index + 1, body)).toMatchObject({ status: 200 });
  return id;
};
const put = (name: string, id: string, part: number, body: Buffer) =>
  send({ method: 'PUT', target: `/revisions/${name}?partNumber=${part}&uploadId=${id}`, body });
const complete = (name: string, id: string, by = send): Promise<RawAnswer> => {
  const list = PARTS.map((part, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${md5(part)}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
  return by({ method: 'POST', target: `/revisions/${name}?uploadId=${id}`, body });
};
/** Resolves when the server has begun to copy the parts. */
const copying = () =>
  eventually(() => openFilesBelow(server.daemon.pid, `${server.dataDir}/s3/.incoming`) > 0, { everyMs: 1 });
const head = async (name: string) => (await send({ method: 'HEAD', target: `/revisions/${name}` })).headers;

test('others are answered while a large upload is put together', async () => {
  const id = await upload('large');
  let isOver = false;
  const completed = complete('large', id).finally(() => {
    isOver = true;
  });
  await copying();
  let answered = 0;
  while (!isOver) {
    await (await fetch(server.url)).text();
    if (!isOver) answered += 1;
  }
  expect(await completed).toMatchObject({ status: 200 });
  expect(answered).toBeGreaterThan(0);
  expect(await head('large')).toMatchObject({ 'content-length': String(WHOLE.length) });
});

test('a completion that is asked for again is told of the one object, while it is made and afterwards', async () => {
  const id = await upload('twice');
  const first = complete('twice', id);
  await copying();
  const answers = await Promise.all([first, complete('twice', id)]);
  answers.push(await complete('twice', id));
  const versions = answers.map(({ status, headers }) => ({ status, version: headers['x-amz-version-id'] }));
  expect(versions).toEqual(Array(3).fill({ status: 200, version: id }));
  const { text } = await send({ method: 'GET', target: '/revisions?versions=&prefix=twice' });
  expect(text.match(/<VersionId>/g)).toHaveLength(1);
  const other =
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>';
  const answer = await send({ method: 'POST', target: `/revisions/twice?uploadId=${id}`, body: other });
  expect(answer).toMatchObject({ status: 404, code: 'NoSuchUpload' });
});

test('a part that is sent anew while its upload is put together is never mixed in: all of the named ones, or none', async () => {
  const id = await upload('anew');
  const completed = complete('anew', id);
  await copying();
  const again = await put('anew', id, 2, OTHER_PART);
  const { status, code } = await completed;
  // Whichever was faster: the named parts, or a refusal.
  if (status !== 200) {
    expect(code).toBe('InvalidPart');
    expect((await send({ method: 'HEAD', target: '/revisions/anew' })).status).toBe(404);
  } else {
    expect([200, 404]).toContain(again.status);
    const name = `"${md5(Buffer.from(PARTS.map(md5).join(''), 'hex'))}-3"`;
    expect(await head('anew')).toMatchObject({ etag: name, 'content-length': String(WHOLE.length) });
  }
});

test('an upload whose key is disabled while it is put together makes nothing', async () => {
  // The copy may be over before the key is; then it is tried once more.
  for (let tries = 1; ; tries += 1) {
    const name = `taken-${tries}`;
    const id = await upload(name);
    const key = await admin.call('CreateAccessKey', { role: 'operator' });
    const completed = complete(name, id, rawS3(server.s3Url, key));
    await copying();
    await admin.call('DisableAccessKey', { accessKeyId: key.accessKeyId });
    const answer = await completed;
    if (answer.status === 200 && tries < 5) continue;
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
    expect((await send({ method: 'HEAD', target: `/revisions/${name}` })).status).toBe(404);
    break;
  }
  expect(openFilesBelow(server.daemon.pid, `${server.dataDir}/s3`)).toBe(0);
}, 120_000);
