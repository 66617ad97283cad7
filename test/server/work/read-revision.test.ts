/** Revisions of Lambda and ECS in an S3 that is not the server's own: another server of ours, asked over its socket. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { create } from 'tar';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ZipFile } from 'yazl';
import { createObjectReader } from '../../../src/server/outside/aws/s3-object.ts';
import type { ReadObject } from '../../../src/server/outside/revision-object.ts';
import { readAppSpec } from '../../../src/server/work/prepare-shift.ts';
import { readRevisionText } from '../../../src/server/work/read-revision.ts';
import { ecsAppSpec } from '../../support/ecs-site.ts';
import { appSpec } from '../../support/lambda-world.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const SPECS = { Lambda: appSpec(), ECS: ecsAppSpec(2) } as const;
const TYPES = ['JSON', 'YAML', 'zip', 'tgz'] as const;
const objects = new Map<string, Buffer>();

let scratch: ScratchFolder;
let server: TestServer;
let readObject: ReadObject;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  const credentials = await server.key('admin');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.s3Url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  readObject = createObjectReader('us-east-1');
  const client = new S3Client({ endpoint: server.s3Url, region: 'us-east-1', forcePathStyle: true, credentials });
  for (const [platform, text] of Object.entries(SPECS)) {
    const bodies = { JSON: Buffer.from(text), YAML: Buffer.from(text), zip: await zip(text), tgz: await tgz(text) };
    for (const [type, Body] of Object.entries(bodies)) {
      objects.set(`${platform}.${type}`, Body);
      await client.send(new PutObjectCommand({ Bucket: 'revisions', Key: `${platform}.${type}`, Body }));
    }
  }
  client.destroy();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function zip(text: string): Promise<Buffer> {
  const file = new ZipFile();
  file.addBuffer(Buffer.from(text), 'appspec.yaml');
  file.end();
  return buffer(file.outputStream);
}

async function tgz(text: string): Promise<Buffer> {
  writeFileSync(scratch.at('appspec.yaml'), text);
  await create({ gzip: true, cwd: scratch.path, file: scratch.at('bundle.tgz') }, ['appspec.yaml']);
  return readFileSync(scratch.at('bundle.tgz'));
}

const read = (key: string, bundleType: string, more: object = {}, bucket = 'revisions') =>
  readRevisionText(
    { revisionType: 'S3', s3Location: { bucket, key, bundleType, ...more } } as never,
    readObject,
    AbortSignal.timeout(20_000),
  );
const digestOf = (key: string) =>
  createHash('sha256')
    .update(objects.get(key) ?? '')
    .digest('hex');

describe.each(['Lambda', 'ECS'] as const)('a revision of %s in another S3', (platform) => {
  test.each(TYPES)('is read as %s, and its SHA-256 is compared', async (type) => {
    const key = `${platform}.${type}`;
    const text = await read(key, type, { eTag: `sha256:${digestOf(key)}` });
    expect(readAppSpec(text, platform)).toMatchObject({ platform });
  });

  test('is refused with another SHA-256 than it has, and where it is not there', async () => {
    const key = `${platform}.tgz`;
    await expect(read(key, 'tgz', { eTag: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'INVALID_REVISION',
      message: expect.stringContaining(digestOf(key)),
    });
    await expect(read('nothing.tgz', 'tgz')).rejects.toMatchObject({ code: 'REVISION_MISSING' });
    await expect(read('appspec.tgz', 'tgz', {}, 'https://files.example.com')).rejects.toMatchObject({
      code: 'INVALID_REVISION',
      message: expect.stringContaining('those are for hosts'),
    });
  });
});
