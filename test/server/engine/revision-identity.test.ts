import { expect, test } from 'vitest';
import { identityOf } from '../../../src/server/engine/revision-identity.ts';

const s3 = (more: { version?: string; eTag?: string } = {}) =>
  identityOf({ revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', ...more } });

test('an ETag is the same with and without its quotes', () => {
  expect(s3({ eTag: '"abc"' })).toBe(s3({ eTag: 'abc' }));
});

test('bucket, key, version and ETag each make another revision, and none can be taken for another', () => {
  const identities = [
    s3(),
    s3({ version: 'x' }),
    s3({ eTag: 'x' }),
    identityOf({ revisionType: 'S3', s3Location: { bucket: 'b/k', key: '' } }),
    identityOf({ revisionType: 'GitHub', gitHubLocation: { repository: 'b', commitId: 'k' } }),
  ];
  expect(new Set(identities).size).toBe(identities.length);
});
