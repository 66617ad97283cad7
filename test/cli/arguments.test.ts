import { describe, expect, test } from 'vitest';
import {
  collect,
  parseGitHubRevision,
  parseListenAddress,
  parseNetworks,
  parseS3Url,
  parseTag,
} from '../../src/cli/arguments.ts';

describe('tags', () => {
  test('are KEY=VALUE, and the value may hold an equals sign', () => {
    expect(parseTag('Role=web=1')).toEqual({ Key: 'Role', Value: 'web=1' });
  });
  test.each(['Role', '=web', 'Role=', ''])('%j is refused', (text) => {
    expect(() => parseTag(text)).toThrow(/KEY=VALUE/);
  });
  test('are gathered when the flag is repeated', () => {
    const gather = collect(parseTag);
    expect(gather('B=2', gather('A=1', undefined))).toEqual([
      { Key: 'A', Value: '1' },
      { Key: 'B', Value: '2' },
    ]);
  });
});

describe('listen addresses', () => {
  test.each([
    ['8400', '127.0.0.1', 8400],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:443', '::1', 443],
    ['localhost:80', 'localhost', 80],
  ])('%s', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port });
  });
  test.each(['', 'localhost', '::1:80', '1.2.3.4:70000', 'a:b'])('%j is refused', (text) => {
    expect(() => parseListenAddress(text)).toThrow(/HOST:PORT/);
  });
});

describe('revisions', () => {
  test('an S3 address has a bucket and a key with slashes', () => {
    expect(parseS3Url('s3://revisions/site/a.zip')).toEqual({ bucket: 'revisions', key: 'site/a.zip' });
    expect(() => parseS3Url('s3://revisions')).toThrow(/s3:\/\/BUCKET\/KEY/);
  });
  test('a GitHub revision has an owner, a repository and a commit', () => {
    expect(parseGitHubRevision('acme/site@4f2d')).toEqual({ repository: 'acme/site', commitId: '4f2d' });
    expect(() => parseGitHubRevision('site@4f2d')).toThrow(/OWNER\/REPOSITORY@COMMIT/);
  });
});

test.each([
  ['10.0.0.5', ['10.0.0.5']],
  [' 10.0.0.0/8, 2001:db8::/32 ,', ['10.0.0.0/8', '2001:db8::/32']],
  ['', []],
])('the proxies %j are read as a list', (text, proxies) => {
  expect(parseNetworks(text)).toEqual(proxies);
});

test.each([
  ['proxy.example.com', /'proxy\.example\.com' is no address and no network/],
  ['10.0.0.5,10.0.0.0/40', /'10\.0\.0\.0\/40' is no address and no network/],
  ['0.0.0.0/0', /every client could name another/],
  ['::/0', /every client could name another/],
])('the proxies %j are refused', (text, why) => {
  expect(() => parseNetworks(text)).toThrow(why);
});
