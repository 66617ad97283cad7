/** A host's key opens what deployments to that host need, and nothing else. */
import { describe, expect, test } from 'vitest';
import { isNeeded } from '../../../src/server/s3/host-reads.ts';
import type { ObjectVersion } from '../../../src/server/s3/stored-version.ts';
import { eventually } from '../../support/eventually.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { writeRevision } from '../../support/revision.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../../support/slipway.ts';

const object = (version: string, eTag: string): ObjectVersion => ({
  ...{ kind: 'object', key: 'a.zip', version, sequence: 1, eTag, sizeBytes: 1, modifiedAtMs: 0, headers: {} },
  ...{ checksums: {}, checksumType: 'FULL_OBJECT', tags: [], parts: [] },
});
const needed = (version: string | null, eTag: string | null) => [{ bucket: 'revisions', key: 'a.zip', version, eTag }];
const at = (key: string, bucket = 'revisions') => ({ bucket, key });

describe('what a host needs', () => {
  test.each([
    ['the version that the deployment names', needed('v1', null), at('a.zip'), object('v1', 'e1'), false, true],
    ['another version of the same key', needed('v1', null), at('a.zip'), object('v2', 'e1'), true, false],
    ['the content that the deployment names', needed(null, 'e1'), at('a.zip'), object('v2', 'e1'), false, true],
    ['other content of the same key', needed(null, 'e1'), at('a.zip'), object('v2', 'e2'), true, false],
    ['the latest, where nothing is named', needed(null, null), at('a.zip'), object('v2', 'e2'), true, true],
    ['an older one, where nothing is named', needed(null, null), at('a.zip'), object('v1', 'e1'), false, false],
    ['another key', needed(null, null), at('b.zip'), object('v1', 'e1'), true, false],
    ['another bucket', needed(null, null), at('a.zip', 'other'), object('v1', 'e1'), true, false],
    ['a signature beside the bundle', needed('v1', 'e1'), at('a.zip.sig'), object('s', 's'), true, true],
    ['a signature of minisign', needed('v1', 'e1'), at('a.zip.minisig'), object('s', 's'), true, true],
    ['a signature of another bundle', needed('v1', 'e1'), at('b.zip.sig'), object('s', 's'), true, false],
    ['anything, without a deployment', [], at('a.zip'), object('v1', 'e1'), true, false],
    ['that its own bundle is missing', needed('v1', null), at('a.zip'), null, false, true],
    ['that another object is missing', needed('v1', null), at('b.zip'), null, false, false],
  ] as const)('%s', (_, list, address, found, isLatest, expected) => {
    expect(isNeeded(list, address, found, isLatest)).toBe(expected);
  });
});

test('a host reads the bundle of its deployment while that is open, and never lists, writes or reads another', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const admin = rawS3(server.s3Url, { accessKeyId, secretAccessKey });
  await admin({ method: 'PUT', target: '/revisions/other.zip', body: 'of another application' });
  // Without an agent the deployment stays open.
  await enrolHost(server, scratch.at('host'), 'web-1');
  const run = async (...args: readonly string[]) => {
    const ended = await runSlipway(args, server.env);
    expect(ended).toMatchObject({ status: 0 });
    return ended.stdout;
  };
  await run('applications', 'create', 'site');
  await run('groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test');
  const revision = writeRevision(scratch.at('revision'), { destination: scratch.at('site'), files: { a: 'x' } });
  const id = (await run('deploy', revision, '--application', 'site', '--group', 'test', '--no-follow')).trim();
  const { deployment } = JSON.parse(await run('deployments', 'show', id, '--json')) as {
    deployment: { revision: { s3Location: { key: string } } };
  };
  const { key } = deployment.revision.s3Location;
  const hosts = JSON.parse(await run('hosts', 'list', '--json')) as { hostArn: string }[];
  const made = await run(
    'keys',
    'create',
    '--role',
    'host',
    '--host-arn',
    hosts[0]?.hostArn ?? '',
    '--data-dir',
    scratch.at('server'),
    '--json',
  );
  const host = rawS3(server.s3Url, JSON.parse(made) as { accessKeyId: string; secretAccessKey: string });

  expect((await host({ method: 'GET', target: `/revisions/${key}` })).status).toBe(200);
  for (const target of [
    '/revisions/other.zip',
    '/revisions/missing.zip',
    '/nowhere/other.zip',
    '/revisions',
    '/revisions?list-type=2',
    '/revisions?location=',
  ]) {
    const answer = await host({ method: 'GET', target });
    expect([target, answer.status, answer.code]).toEqual([target, 403, 'AccessDenied']);
  }
  for (const method of ['PUT', 'DELETE'])
    expect((await host({ method, target: `/revisions/${key}` })).status).toBe(403);

  await run('deployments', 'stop', id);
  await eventually(async () => (await host({ method: 'GET', target: `/revisions/${key}` })).status === 403);
});
