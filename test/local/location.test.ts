import { describe, expect, test } from 'vitest';
import { type LocalBundleType, parseBundleLocation } from '../../src/local/location.ts';

const parse = (location: string, type: LocalBundleType) => parseBundleLocation(location, type, '/home/me');
const s3 = { revisionType: 'S3', bucket: 'b', bundleType: 'tgz', version: null, eTag: null };
const gitHub = { revisionType: 'GitHub', account: 'octo', repository: 'site', commitId: 'HEAD', bundleType: 'zip' };

describe('a bundle location', () => {
  test.each([
    ['site', 'directory', { revisionType: 'Local Directory', location: '/home/me/site' }],
    ['/srv/site/', 'directory', { revisionType: 'Local Directory', location: '/srv/site' }],
    ['../x.tgz', 'tgz', { revisionType: 'Local File', location: '/home/x.tgz', bundleType: 'tgz' }],
    ['s3://b/some/key.tgz', 'tgz', { ...s3, key: 'some/key.tgz' }],
    ['s3://b/key?versionId=v1&etag=%22abc%22', 'tgz', { ...s3, key: 'key', version: 'v1', eTag: 'abc' }],
    ['s3://b/is it?.tgz', 'tgz', { ...s3, key: 'is it?.tgz' }],
    ['s3://b/a?b?etag=abc', 'tgz', { ...s3, key: 'a?b', eTag: 'abc' }],
    ['https://github.com/octo/site', 'directory', gitHub],
    ['https://github.com/octo/site.git/', 'zip', gitHub],
    ['https://github.com/octo/site', 'tar', { ...gitHub, bundleType: 'tar' }],
    ['https://github.com/octo/site', 'tgz', gitHub],
    ['https://github.com/octo/site/tree/feature/x', 'zip', { ...gitHub, commitId: 'feature/x' }],
    ['https://github.com/octo/site/commit/c0ffee?diff=split', 'zip', { ...gitHub, commitId: 'c0ffee' }],
    ['https://api.github.com/repos/octo/site/tarball/feature/x', 'zip', { ...gitHub, commitId: 'feature/x' }],
    ['https://api.github.com/repos/octo/site/zipball/v1.0', 'tar', { ...gitHub, commitId: 'v1.0', bundleType: 'tar' }],
  ] as const)('%s as %s', (location, type, revision) => {
    expect(parse(location, type)).toEqual({ ok: true, revision });
  });

  test.each([
    ['http://github.com/octo/site', 'zip', 'not encrypted'],
    ['https://example.com/x.zip', 'zip', 'https://example.com/x.zip'],
    ['https://github.com/octo', 'zip', 'cannot tell'],
    ['https://github.com/octo/site/issues/1', 'zip', 'cannot tell'],
    ['https://github.com.example.com/octo/site', 'zip', 'cannot tell'],
    ['s3://b/key', 'directory', '--type'],
    ['s3://b', 'zip', 's3://BUCKET/KEY'],
    ['s3://b/', 'zip', 's3://BUCKET/KEY'],
    ['s3:///key', 'zip', 's3://BUCKET/KEY'],
    ['s3://b/?versionId=1', 'zip', 'no key'],
    ['', 'directory', 'empty'],
  ] as const)('%s as %s is refused: %s', (location, type, words) => {
    const result = parse(location, type);
    expect(result).toEqual({ ok: false, problem: expect.stringContaining(words) });
  });
});

describe('a revision from any source', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const digest = 'ab'.repeat(32);
  test.each([
    [
      `git+https://git.example.com/team/shop.git#${commit}`,
      { revisionType: 'Git', url: 'https://git.example.com/team/shop.git', commitId: commit },
    ],
    [
      `git+ssh://git@git.example.com/shop#${commit.toUpperCase()}`,
      { revisionType: 'Git', url: 'ssh://git@git.example.com/shop', commitId: commit },
    ],
    [
      `https://example.com/a/shop.tar.gz#sha256=${digest}`,
      { revisionType: 'HTTPS', url: 'https://example.com/a/shop.tar.gz', bundleType: 'tgz', sha256: digest },
    ],
    [
      `https://example.com/shop.zip?sig=1#sha256=${digest}`,
      { revisionType: 'HTTPS', url: 'https://example.com/shop.zip?sig=1', bundleType: 'zip', sha256: digest },
    ],
  ])('%s', (location, revision) => {
    expect(parseBundleLocation(location, 'directory', '/')).toEqual({ ok: true, revision });
  });

  test.each([
    [`git+https://git.example.com/shop#main`, 'whole commit id'],
    [`git+https://user:secret@git.example.com/shop#${commit}`, 'password'],
    [`git+http://git.example.com/shop#${commit}`, 'not encrypted'],
    [`git+ext::sh -c id#${commit}`, 'no address'],
    [`git+ssh://-oProxyCommand=id/shop#${commit}`, 'no address'],
    [`https://example.com/shop#sha256=${digest}`, '--type'],
    [`https://example.com/shop.zip#sha256=12`, '64 hex digits'],
    [`http://example.com/shop.zip#sha256=${digest}`, 'not encrypted'],
  ])('%s is refused', (location, why) => {
    const result = parseBundleLocation(location, 'directory', '/');
    expect(result).toMatchObject({ ok: false, problem: expect.stringContaining(why) });
    expect(JSON.stringify(result)).not.toContain('secret@');
  });
});
