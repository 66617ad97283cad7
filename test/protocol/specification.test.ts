import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DeploymentSpecification,
  encodeSpecification,
  parseOrderedSpecification,
  parseSpecification,
  type Revision,
} from '../../src/protocol/specification.ts';

const minimal = {
  DeploymentId: 'd-ABC123',
  DeploymentGroupId: '5a9f1a9b-8a17-4c4d-8f9f-2b8a2f6e1c11',
  DeploymentGroupName: 'Production',
  ApplicationName: 'Hello',
  Revision: {
    RevisionType: 'S3',
    S3Revision: { Bucket: 'revisions', Key: 'hello.tgz', BundleType: 'tgz' },
  },
};

const parse = (changes: Record<string, unknown> = {}) => parseSpecification(JSON.stringify({ ...minimal, ...changes }));
const revision = (Revision: unknown) => parse({ Revision }).revision;

test('a minimal specification gets the defaults of the official agent', () => {
  expect(parse()).toEqual({
    deploymentId: 'd-ABC123',
    deploymentGroupId: '5a9f1a9b-8a17-4c4d-8f9f-2b8a2f6e1c11',
    deploymentGroupName: 'Production',
    applicationName: 'Hello',
    deploymentCreator: 'user',
    deploymentType: 'IN_PLACE',
    appSpecFilename: 'appspec.yml',
    fileExistsBehavior: 'DISALLOW',
    allPossibleLifecycleEvents: null,
    reuseArchiveFromDeploymentId: null,
    gitHubAccessToken: null,
    revision: {
      revisionType: 'S3',
      bucket: 'revisions',
      key: 'hello.tgz',
      bundleType: 'tgz',
      version: null,
      eTag: null,
    },
  } satisfies DeploymentSpecification);
});

describe('what is given is read', () => {
  test('a deployment id from its ARN', () => {
    const arn = 'arn:aws:codedeploy:us-east-1:123456789012:deployment/d-ABC';
    expect(parse({ DeploymentId: arn, ReuseArchiveFromDeploymentId: arn })).toMatchObject({
      deploymentId: 'd-ABC',
      reuseArchiveFromDeploymentId: 'd-ABC',
    });
  });

  test('the file exists behavior in any case', () => {
    const AgentActionOverrides = { AgentOverrides: { FileExistsBehavior: 'Retain' } };
    expect(parse({ AgentActionOverrides }).fileExistsBehavior).toBe('RETAIN');
  });

  test('deployment types that are not known as in-place ones', () => {
    expect(parse({ DeploymentType: 'BLUE_GREEN' }).deploymentType).toBe('BLUE_GREEN');
    expect(parse({ DeploymentType: 'RAINBOW' }).deploymentType).toBe('IN_PLACE');
  });

  test('the texts among the possible lifecycle events', () => {
    expect(parse({ AllPossibleLifecycleEvents: ['Install', 7, null, 'ValidateService'] })).toMatchObject({
      allPossibleLifecycleEvents: ['Install', 'ValidateService'],
    });
  });

  test('an ETag without its quotes, and a null one as none', () => {
    const s3 = (ETag: unknown) => ({ RevisionType: 'S3', S3Revision: { ...minimal.Revision.S3Revision, ETag } });
    expect(revision(s3('"abc-2"'))).toMatchObject({ eTag: 'abc-2' });
    expect(revision(s3(null))).toMatchObject({ eTag: null });
    expect(revision(s3('""'))).toMatchObject({ eTag: null });
  });

  test('a GitHub revision, whose bundle type may be left out', () => {
    const GitHubRevision = { Account: 'octo', Repository: 'hello', CommitId: 'abc', Anonymous: true };
    expect(revision({ RevisionType: 'GitHub', GitHubRevision })).toEqual({
      revisionType: 'GitHub',
      account: 'octo',
      repository: 'hello',
      commitId: 'abc',
      bundleType: null,
    });
  });

  test('an AppSpec file in a sub-directory', () => {
    expect(parse({ AppSpecFilename: 'deploy/appspec.prod.yml' }).appSpecFilename).toBe('deploy/appspec.prod.yml');
  });

  test('empty and null members as absent ones, and members nobody knows not at all', () => {
    expect(
      parse({ DeploymentCreator: '', AppSpecFilename: null, AgentActionOverrides: null, ApplicationId: {} }),
    ).toEqual(parse());
  });
});

describe('a specification is refused, naming the member,', () => {
  const github = { Account: 'octo', Repository: 'hello', CommitId: 'abc' };
  const local = { Location: '/srv/hello', BundleType: 'directory' };
  test.each<[string, Record<string, unknown>]>([
    ['DeploymentId', { DeploymentId: undefined }],
    ['DeploymentId', { DeploymentId: '' }],
    ['DeploymentId', { DeploymentId: 7 }],
    ['DeploymentId', { DeploymentId: '..' }],
    ['DeploymentId', { DeploymentId: '.' }],
    ['DeploymentId', { DeploymentId: 'd-1/../../etc' }],
    ['DeploymentId', { DeploymentId: 'd-1\\x' }],
    ['DeploymentId', { DeploymentId: 'd-1\0' }],
    ['DeploymentId', { DeploymentId: 'd-1\nfake log line' }],
    ['DeploymentId', { DeploymentId: 'arn:aws:codedeploy' }],
    ['DeploymentId', { DeploymentId: 'arn:aws:codedeploy:us-east-1:1:deployment' }],
    ['DeploymentId', { DeploymentId: 'arn:aws:codedeploy:us-east-1:1:deployment/' }],
    ['DeploymentId', { DeploymentId: 'arn:aws:codedeploy:us-east-1:1:deployment/..' }],
    ['DeploymentId', { DeploymentId: 'arn:aws:codedeploy:us-east-1:1:deployment/a/b' }],
    ['ReuseArchiveFromDeploymentId', { ReuseArchiveFromDeploymentId: '../d-2' }],
    ['DeploymentGroupId', { DeploymentGroupId: null }],
    ['DeploymentGroupId', { DeploymentGroupId: '../other' }],
    ['DeploymentGroupName', { DeploymentGroupName: undefined }],
    ['ApplicationName', { ApplicationName: [] }],
    ['DeploymentCreator', { DeploymentCreator: {} }],
    ['AppSpecFilename', { AppSpecFilename: '/etc/passwd' }],
    ['AppSpecFilename', { AppSpecFilename: '../appspec.yml' }],
    ['AppSpecFilename', { AppSpecFilename: 'a/../appspec.yml' }],
    ['AppSpecFilename', { AppSpecFilename: 'a\\..\\..\\appspec.yml' }],
    ['AppSpecFilename', { AppSpecFilename: 'C:appspec.yml' }],
    ['AppSpecFilename', { AppSpecFilename: '\\\\server\\share' }],
    ['AppSpecFilename', { AppSpecFilename: 'app\0spec.yml' }],
    ['AgentActionOverrides', { AgentActionOverrides: 'RETAIN' }],
    [
      'AgentActionOverrides.AgentOverrides.FileExistsBehavior',
      { AgentActionOverrides: { AgentOverrides: { FileExistsBehavior: 'SHRUG' } } },
    ],
    ['AllPossibleLifecycleEvents', { AllPossibleLifecycleEvents: 'Install' }],
    ['Revision', { Revision: null }],
    ['Revision', { Revision: [] }],
    ['Revision.RevisionType', { Revision: {} }],
    ['Revision.RevisionType', { Revision: { RevisionType: 'Floppy' } }],
    ['Revision.S3Revision', { Revision: { RevisionType: 'S3' } }],
    ['Revision.S3Revision.Bucket', { Revision: { RevisionType: 'S3', S3Revision: {} } }],
    ['Revision.S3Revision.Key', { Revision: { RevisionType: 'S3', S3Revision: { Bucket: 'b', BundleType: 'tar' } } }],
    [
      'Revision.S3Revision.BundleType',
      { Revision: { RevisionType: 'S3', S3Revision: { Bucket: 'b', Key: 'k', BundleType: 'rar' } } },
    ],
    [
      'Revision.GitHubRevision.CommitId',
      { Revision: { RevisionType: 'GitHub', GitHubRevision: { ...github, CommitId: null } } },
    ],
    [
      'Revision.GitHubRevision.BundleType',
      { Revision: { RevisionType: 'GitHub', GitHubRevision: { ...github, BundleType: 'tgz' } } },
    ],
    [
      'Revision.GitHubRevision.OAuthToken',
      { Revision: { RevisionType: 'GitHub', GitHubRevision: { ...github, Anonymous: false } } },
    ],
    [
      'Revision.LocalRevision.Location',
      { Revision: { RevisionType: 'Local Directory', LocalRevision: { BundleType: 'directory' } } },
    ],
    [
      'Revision.LocalRevision.BundleType',
      { Revision: { RevisionType: 'Local Directory', LocalRevision: { ...local, BundleType: 'tar' } } },
    ],
    ['Revision.LocalRevision.BundleType', { Revision: { RevisionType: 'Local File', LocalRevision: local } }],
  ])('%s, with %j', (member, changes) => {
    const error = catchError(() => parse(changes));
    expect(error).toMatchObject({ code: 'SPECIFICATION_INVALID' });
    expect(error.message).toMatch(new RegExp(`(member | )${member.replaceAll('.', '\\.')} (is|are|holds)\\b`));
    expect(error.message).not.toContain('\n');
  });

  test.each(['', 'oops', '[]', 'null', '"text"', '7'])('whole when it is %j', (json) => {
    expect(catchError(() => parseSpecification(json))).toMatchObject({ code: 'SPECIFICATION_INVALID' });
  });

  test('and never quotes from a text that is not JSON, where a token may stand', () => {
    expect(catchError(() => parseSpecification('{"GitHubAccessToken":"ghp_secret}')).message).not.toContain('ghp_');
  });
});

const OWN_FOLDERS = ['.slipway', 'deployment-instructions', 'deployment-logs', 'ongoing-deployment', 'Tracking'];
const refusal = expect.objectContaining({ code: 'SPECIFICATION_INVALID' });

describe('an id of a deployment or a group', () => {
  const ids = ['DeploymentId', 'DeploymentGroupId', 'ReuseArchiveFromDeploymentId'] as const;
  const read = (changes: Record<string, unknown>) =>
    parseOrderedSpecification(JSON.stringify({ ...minimal, ...changes }), { reservedIds: OWN_FOLDERS });

  test('passes when it is like those of AWS and of Slipway', () => {
    for (const member of ids)
      for (const id of ['d-QMJ10MYTO', '5a9f1a9b-8a17-4c4d-8f9f-2b8a2f6e1c11', 'x', '0.1_a', 'd'.repeat(200), 'locale'])
        expect(() => read({ [member]: id })).not.toThrow();
  });

  test.each(ids)('%s is refused when it is no plain folder name, or too long', (member) => {
    const odd = [' ', '.a', '-rf', '_a', 'a b', 'a/b', 'a\\b', 'ä', '*', '~', 'a\u202eb', 'a\ud800', 'd'.repeat(201)];
    for (const id of odd) expect(() => read({ [member]: id }), id).toThrow(refusal);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (id) => {
        fc.pre(!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id));
        expect(() => read({ [member]: id })).toThrow(refusal);
      }),
    );
  });

  test.each(ids)('%s is refused when it is a folder of the agent’s own, in any case of letters', (member) => {
    for (const name of OWN_FOLDERS) {
      const titled = name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
      for (const id of [name, name.toUpperCase(), name.toLowerCase(), titled])
        expect(() => read({ [member]: id }), id).toThrow(refusal);
    }
  });

  test('an id of a local deployment is not taken from a server', () => {
    for (const id of ['d-ABCDEFGHI-local', 'x-LOCAL'])
      for (const member of ['DeploymentId', 'ReuseArchiveFromDeploymentId'])
        expect(() => read({ [member]: id })).toThrow(refusal);
    expect(() => read({ DeploymentGroupId: 'group-local' })).not.toThrow();
    expect(parse({ DeploymentId: 'd-ABCDEFGHI-local' }).deploymentId).toBe('d-ABCDEFGHI-local');
  });
});

describe('a name or key that would make a process fail to start', () => {
  const location = (RevisionType: string, member: string, good: Record<string, unknown>) => (text: unknown) => ({
    Revision: { RevisionType, [member]: { ...good, ...(text as object) } },
  });
  const s3 = location('S3', 'S3Revision', minimal.Revision.S3Revision);
  const github = location('GitHub', 'GitHubRevision', { Account: 'a', Repository: 'r', CommitId: 'c' });
  const file = location('Local File', 'LocalRevision', { Location: '/x', BundleType: 'tar' });
  const members: Readonly<Record<string, readonly [number, (text: string) => Record<string, unknown>]>> = {
    ApplicationName: [8_192, (text) => ({ ApplicationName: text })],
    DeploymentGroupName: [1_024, (text) => ({ DeploymentGroupName: text })],
    DeploymentCreator: [1_024, (text) => ({ DeploymentCreator: text })],
    GitHubAccessToken: [8_192, (text) => ({ GitHubAccessToken: text })],
    AllPossibleLifecycleEvents: [256, (text) => ({ AllPossibleLifecycleEvents: ['Install', text] })],
    'Revision.S3Revision.Bucket': [1_024, (Bucket) => s3({ Bucket })],
    'Revision.S3Revision.Key': [1_024, (Key) => s3({ Key })],
    'Revision.S3Revision.Version': [1_024, (Version) => s3({ Version })],
    'Revision.S3Revision.ETag': [1_024, (ETag) => s3({ ETag })],
    'Revision.GitHubRevision.Account': [1_024, (Account) => github({ Account })],
    'Revision.GitHubRevision.Repository': [1_024, (Repository) => github({ Repository })],
    'Revision.GitHubRevision.CommitId': [1_024, (CommitId) => github({ CommitId })],
    'Revision.LocalRevision.Location': [4_096, (Location) => file({ Location })],
  };

  test.each(Object.entries(members))('is refused as %s', (member, [maxBytes, withText]) => {
    expect(() => parse(withText('x'.repeat(maxBytes)))).not.toThrow();
    expect(() => parse(withText('naïve name, 名前 🚀'))).not.toThrow();
    const bad = [
      'x'.repeat(maxBytes + 1),
      'ä'.repeat(maxBytes / 2 + 1),
      'a\0b',
      'a\nb',
      'a\tb',
      '\x1b[2J',
      'a\x7f',
      'a\x9b',
    ];
    for (const text of [...bad, 'a\ud800', '\udc00a', 'x'.repeat(200_000)]) {
      const error = catchError(() => parse(withText(text)));
      expect(error).toMatchObject({ code: 'SPECIFICATION_INVALID' });
      expect(error.message).toContain(member);
      expect(error.message.length).toBeLessThan(300);
    }
  });

  test('is refused as the name of the AppSpec file, whole or in one of its folders', () => {
    expect(() => parse({ AppSpecFilename: `${'d'.repeat(255)}/${'e'.repeat(255)}/appspec.yml` })).not.toThrow();
    for (const name of ['d'.repeat(256), `${'ä'.repeat(128)}/appspec.yml`, 'a/'.repeat(600), 'a\nb', 'a\ud800'])
      expect(() => parse({ AppSpecFilename: name })).toThrow(refusal);
  });

  test('is refused when a list of lifecycle events is endless', () => {
    const AllPossibleLifecycleEvents = Array.from({ length: 101 }, (_, n) => `Event${n}`);
    expect(() => parse({ AllPossibleLifecycleEvents })).toThrow(refusal);
    expect(() => parse({ AllPossibleLifecycleEvents: AllPossibleLifecycleEvents.slice(1) })).not.toThrow();
  });
});

function catchError(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const text = fc.string({ unit: 'grapheme', minLength: 1 });
const folderName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$/);
const bundleType = fc.constantFrom('tar', 'tgz', 'zip');
const anyRevision: fc.Arbitrary<Revision> = fc.oneof(
  fc.record({
    revisionType: fc.constant('S3'),
    bucket: text,
    key: text,
    bundleType,
    version: fc.option(text),
    eTag: fc.option(fc.stringMatching(/^[0-9a-f]{32}(-\d+)?$/)),
  }),
  fc.record({
    revisionType: fc.constant('GitHub'),
    account: text,
    repository: text,
    commitId: text,
    bundleType: fc.constantFrom('tar', 'zip', null),
  }),
  fc.record({ revisionType: fc.constant('Local File'), location: text, bundleType }),
  fc.record({ revisionType: fc.constant('Local Directory'), location: text }),
);
const anySpecification: fc.Arbitrary<DeploymentSpecification> = fc.record({
  deploymentId: folderName,
  deploymentGroupId: folderName,
  deploymentGroupName: text,
  applicationName: text,
  deploymentCreator: fc.constantFrom('user', 'codeDeployRollback', 'autoscaling'),
  deploymentType: fc.constantFrom('IN_PLACE', 'BLUE_GREEN'),
  appSpecFilename: fc.array(folderName, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
  fileExistsBehavior: fc.constantFrom('DISALLOW', 'OVERWRITE', 'RETAIN'),
  allPossibleLifecycleEvents: fc.option(fc.array(text)),
  reuseArchiveFromDeploymentId: fc.option(folderName),
  gitHubAccessToken: fc.option(text),
  revision: anyRevision,
});

test('an encoded specification is parsed to the same specification', () => {
  fc.assert(
    fc.property(anySpecification, (specification) => {
      expect(parseSpecification(encodeSpecification(specification))).toEqual(specification);
    }),
  );
});

test('absent members are left out of the wire form, not null', () => {
  fc.assert(
    fc.property(anySpecification, (specification) => {
      expect(encodeSpecification(specification)).not.toContain(':null');
    }),
  );
});

test('any JSON at all is either read or refused with the one code', () => {
  const member = fc.constantFrom(...Object.keys(minimal), 'AppSpecFilename', 'AgentActionOverrides', '__proto__');
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue()), (changes) => {
      try {
        parse(changes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SPECIFICATION_INVALID' });
      }
    }),
  );
});
