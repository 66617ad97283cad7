import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identityOf, locationOf, revisionOf } from '../../../src/protocol/management/revision-location.ts';

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

const word = fc.stringMatching(/^[a-zA-Z0-9._-]{1,12}$/);
const key = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const bundleType = fc.constantFrom('tar' as const, 'tgz' as const, 'zip' as const);
const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const revisions = fc.oneof(
  fc.record({
    ...{ revisionType: fc.constant('S3' as const), bucket: word, key, bundleType },
    ...{ version: fc.option(word), eTag: fc.option(word) },
  }),
  fc.record({
    ...{ revisionType: fc.constant('HTTPS' as const), bundleType, sha256: digest },
    url: fc.tuple(fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }), word).map(([url, name]) => {
      const { origin, search } = new URL(url);
      return `${origin}/${name}.tgz${search}`;
    }),
  }),
  fc.record({
    ...{ revisionType: fc.constant('GitHub' as const), account: word, repository: word, commitId: word },
    bundleType: fc.constant(null),
  }),
  fc.record({
    revisionType: fc.constant('Git' as const),
    url: key.map((path) => `ssh://git@git.example.com/${path}.git`),
    commitId: fc.stringMatching(/^[0-9a-f]{40}$/),
  }),
);

test('a revision that becomes a location comes back as it was', () => {
  fc.assert(
    fc.property(revisions, (revision) => {
      const location = locationOf(revision);
      expect(location).not.toBeNull();
      if (location !== null) expect(revisionOf(location)).toEqual(revision);
    }),
  );
});

test('a path that only one machine has, or that is for another platform, has no other form', () => {
  expect(locationOf({ revisionType: 'Local Directory', location: '/srv/build' })).toBeNull();
  expect(revisionOf({ revisionType: 'AppSpecContent', appSpecContent: { content: '{}' } })).toBeNull();
});
