import { describe, expect, test } from 'vitest';
import { encodeSpecification, parseSpecification } from '../../../src/protocol/specification.ts';
import { specificationOf } from '../../../src/server/commands/specification.ts';
import type { DeploymentRow } from '../../../src/server/store/schema.ts';

const digest = 'ab'.repeat(32);
const commitId = '0123456789abcdef0123456789abcdef01234567';

function revisionOf(stored: object) {
  const row = {
    deployment_id: 'd-ONE',
    deployment_group_id: 'g',
    deployment_group_name: 'Fleet',
    application_name: 'Shop',
    creator: 'user',
    file_exists_behavior: 'DISALLOW',
    revision_json: JSON.stringify(stored),
    settings_json: null,
  };
  // As a host gets it: through the wire form and back.
  return parseSpecification(encodeSpecification(specificationOf(row as DeploymentRow))).revision;
}

test('a restart tells its hosts whose files to take again, and any other deployment does not', () => {
  const row = {
    settings_json: null,
    ...{ deployment_id: 'd-TWO', deployment_group_id: 'g', deployment_group_name: 'Fleet', application_name: 'Shop' },
    ...{ creator: 'user', file_exists_behavior: 'DISALLOW' },
    revision_json: JSON.stringify({ revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: 'zip' } }),
  };
  const reused = (restart_of: string | null) =>
    parseSpecification(encodeSpecification(specificationOf({ ...row, restart_of } as DeploymentRow)))
      .reuseArchiveFromDeploymentId;
  expect(reused('d-ONE')).toBe('d-ONE');
  expect(reused(null)).toBeNull();
});

describe('the revision that hosts get', () => {
  test('is one of any web server when the bucket is an address', () => {
    const s3Location = {
      bucket: 'https://example.com:8443',
      key: 'a/b.tgz',
      bundleType: 'tgz',
      eTag: `sha256:${digest}`,
    };
    expect(revisionOf({ revisionType: 'S3', s3Location })).toEqual({
      revisionType: 'HTTPS',
      url: 'https://example.com:8443/a/b.tgz',
      bundleType: 'tgz',
      sha256: digest,
    });
  });

  test('is one of any git when the repository is an address', () => {
    const gitHubLocation = { repository: 'ssh://git@git.example.com/shop.git', commitId: commitId.toUpperCase() };
    expect(revisionOf({ revisionType: 'GitHub', gitHubLocation })).toEqual({
      revisionType: 'Git',
      url: 'ssh://git@git.example.com/shop.git',
      commitId,
    });
  });

  test('is GitHub’s, or S3’s, as ever', () => {
    expect(
      revisionOf({ revisionType: 'GitHub', gitHubLocation: { repository: 'a/b', commitId: 'main' } }),
    ).toMatchObject({
      revisionType: 'GitHub',
      account: 'a',
      repository: 'b',
    });
    const s3Location = { bucket: 'b', key: 'k', bundleType: 'zip' };
    expect(revisionOf({ revisionType: 'S3', s3Location })).toMatchObject({ revisionType: 'S3', bucket: 'b' });
  });
});
