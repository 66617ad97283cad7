import { expect, test } from 'vitest';
import { bucketOfHost } from '../../../src/server/s3/host-style.ts';

const DOMAIN = 's3.example.test';
const KNOWN = new Set(['slipway.s3.example.test', DOMAIN]);

test.each([
  ['a bucket’s name before the domain', 'revisions.s3.example.test', 'revisions'],
  ['the same with a port', 'revisions.s3.example.test:8400', 'revisions'],
  ['the same with the dot of a whole name', 'revisions.s3.example.test.', 'revisions'],
  ['the same in upper case', 'REVISIONS.S3.Example.test', 'revisions'],
  ['a bucket’s name with dots', 'my.bucket.s3.example.test', 'my.bucket'],
  ['a bucket’s name before a name of the server', 'revisions.slipway.s3.example.test', 'revisions.slipway'],
  ['the domain alone', 's3.example.test', null],
  ['a name of the server that is below the domain', 'slipway.s3.example.test', null],
  ['such a name with port and dot', 'Slipway.s3.example.test.:8400', null],
  ['a name that only ends like the domain', 'evils3.example.test', null],
  ['an address', '127.0.0.1:8400', null],
  ['nothing', '', null],
])('A host header of %s names the right bucket, or none', (_, host, bucket) => {
  expect(bucketOfHost(host, DOMAIN, KNOWN)).toBe(bucket);
});
