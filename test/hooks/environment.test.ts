import { describe, expect, test } from 'vitest';
import { type HookFacts, hookEnvironment } from '../../src/hooks/environment.ts';
import type { Revision } from '../../src/protocol/specification.ts';

const S3: Revision = { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'zip', version: null, eTag: null };
const FACTS: HookFacts = {
  event: 'AfterInstall',
  deploymentId: 'd-ONE',
  applicationName: 'Shop',
  deploymentGroupName: 'Fleet',
  deploymentGroupId: 'group-id',
  revision: S3,
  downloadedETag: null,
  marker: 'command-1',
};
const RULES = { restrictToAllowlist: false, stripLoaderVariables: true, handedDown: [] };

describe('a hook’s environment', () => {
  test('describes the deployment, whatever the agent’s own says', () => {
    const environment = hookEnvironment(FACTS, { DEPLOYMENT_ID: 'd-OTHER', LANG: 'C' }, RULES);
    expect(environment).toEqual({
      LANG: 'C',
      LIFECYCLE_EVENT: 'AfterInstall',
      DEPLOYMENT_ID: 'd-ONE',
      APPLICATION_NAME: 'Shop',
      DEPLOYMENT_GROUP_NAME: 'Fleet',
      DEPLOYMENT_GROUP_ID: 'group-id',
      BUNDLE_BUCKET: 'b',
      BUNDLE_KEY: 'k',
      SLIPWAY_HOST_COMMAND: 'command-1',
    });
  });

  test('never holds the agent’s secrets, nor its line to the service manager', () => {
    const secrets = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_SESSION_TOKEN: 'c',
      AWS_SECURITY_TOKEN: 'd',
      AWS_CREDENTIAL_FILE: 'e',
      AWS_ACCESS_KEY: 'f',
      AWS_SECRET_KEY: 'g',
      CODEDEPLOY_GITHUB_TOKEN: 'h',
      NOTIFY_SOCKET: '/run/systemd/notify',
    };
    const environment = hookEnvironment(FACTS, { ...secrets, AWS_REGION: 'us-east-1' }, RULES);
    expect(Object.keys(environment).filter((name) => name in secrets)).toEqual([]);
    expect(environment).toMatchObject({ AWS_REGION: 'us-east-1' });
  });

  test('holds no loader variables unless they are allowed', () => {
    const base = { LD_PRELOAD: 'x.so', LD_LIBRARY_PATH: '/x', LD_AUDIT: 'y.so' };
    expect(hookEnvironment(FACTS, base, RULES)).not.toHaveProperty('LD_PRELOAD');
    expect(hookEnvironment(FACTS, base, { ...RULES, stripLoaderVariables: false })).toMatchObject(base);
  });

  test('is down to PATH, HOME and USER when it is restricted', () => {
    const base = { PATH: '/bin', HOME: '/root', USER: 'root', LANG: 'C', MINE: '1' };
    const environment = hookEnvironment(FACTS, base, { ...RULES, restrictToAllowlist: true });
    expect(environment).toMatchObject({ PATH: '/bin', HOME: '/root', USER: 'root', DEPLOYMENT_ID: 'd-ONE' });
    expect(environment).not.toHaveProperty('LANG');
    expect(environment).not.toHaveProperty('MINE');
  });

  test.each([
    ['S3 with version and ETag', { ...S3, version: 'v1', eTag: 'tag' }, { BUNDLE_VERSION: 'v1', BUNDLE_ETAG: 'tag' }],
    ['S3 with the ETag of the download only', S3, { BUNDLE_ETAG: 'seen' }],
    [
      'GitHub',
      { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c0ffee', bundleType: null },
      { BUNDLE_COMMIT: 'c0ffee' },
    ],
  ] satisfies [string, Revision, object][])('says where the bundle came from: %s', (_, revision, expected) => {
    expect(hookEnvironment({ ...FACTS, revision, downloadedETag: 'seen' }, {}, RULES)).toMatchObject(expected);
  });

  test('says nothing about the bundle when it was on this machine', () => {
    const revision: Revision = { revisionType: 'Local Directory', location: '/x' };
    const names = Object.keys(hookEnvironment({ ...FACTS, revision }, {}, RULES));
    expect(names.filter((name) => name.startsWith('BUNDLE_'))).toEqual([]);
  });
});
