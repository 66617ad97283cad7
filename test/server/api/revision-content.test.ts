/** What is inside a revision, through the server's door: whose bundles a key may look into, and what a group had before. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packBundle } from '../../../src/archive/pack.ts';
import { type KeyPair, managementClient } from '../../support/hand-driven-host.ts';
import { presign } from '../../support/presigned.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
let admin: KeyPair;
const revisionAt = (key: string, bucket = 'revisions') =>
  ({ revisionType: 'S3', s3Location: { bucket, key, bundleType: 'zip' } }) as const;

beforeAll(async () => {
  server = await testServer(scratch.at('data'));
  admin = await server.key('admin');
  const client = managementClient(server.url, admin);
  await client.call('CreateApplication', { applicationName: 'shop' });
  await client.call('CreateDeploymentGroup', {
    ...{ applicationName: 'shop', deploymentGroupName: 'web', serviceRoleArn: 'arn:aws:iam::000000000000:role/r' },
  });
  mkdirSync(scratch.at('build'));
  writeFileSync(scratch.at('build/appspec.yml'), 'version: 0.0\nos: linux\n');
  await packBundle({ sourceDir: scratch.at('build'), bundleFile: scratch.at('b.zip'), bundleType: 'zip' });
  for (const key of ['shop/b.zip', 'other/b.zip']) {
    const target = `/revisions/${key}`;
    const put = await presign(server.url, admin, { method: 'PUT', target });
    expect((await fetch(put, { method: 'PUT', body: readFileSync(scratch.at('b.zip')) })).status).toBe(200);
    const revision = revisionAt(key);
    await client.call('RegisterApplicationRevision', { applicationName: 'shop', revision });
  }
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

test('a viewer is shown the files of a registered revision, and no difference where a group has had no other', async () => {
  const viewer = managementClient(server.url, await server.key('viewer'));
  const input = { applicationName: 'shop', revision: revisionAt('shop/b.zip'), deploymentGroupName: 'web' };
  const content = await viewer.call('DescribeRevisionContent', input);
  expect(content).toMatchObject({ files: [{ path: 'appspec.yml' }], appSpec: { text: 'version: 0.0\nos: linux\n' } });
  expect(Object.keys(content).toSorted()).toEqual(['appSpec', 'files', 'sizeBytes']);
});

test('a limited key looks into bundles of its application alone, wherever a revision of it says that it is', async () => {
  const scope = { applications: ['shop'] };
  const key = await managementClient(server.url, admin).call('CreateAccessKey', { role: 'operator', scope });
  const client = managementClient(server.url, key);
  const look = (revision: ReturnType<typeof revisionAt>) =>
    client.call('DescribeRevisionContent', { applicationName: 'shop', revision }).then(
      () => 'shown',
      (error: { type: string }) => error.type,
    );
  expect(await look(revisionAt('shop/b.zip'))).toBe('shown');
  expect(await look(revisionAt('other/b.zip'))).toBe('AccessDeniedException');
});

test('a revision that is not registered, and one that the server cannot read, are refused', async () => {
  const client = managementClient(server.url, admin);
  const look = (revision: ReturnType<typeof revisionAt>) =>
    client.call('DescribeRevisionContent', { applicationName: 'shop', revision });
  await expect(look(revisionAt('shop/none.zip'))).rejects.toMatchObject({ type: 'RevisionDoesNotExistException' });
  const elsewhere = revisionAt('b.zip', 'far-away');
  await client.call('RegisterApplicationRevision', { applicationName: 'shop', revision: elsewhere });
  await expect(look(elsewhere)).rejects.toMatchObject({
    type: 'ValidationException',
    message: expect.stringContaining('--aws-region'),
  });
});
