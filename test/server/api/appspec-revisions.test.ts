/** Revisions of Lambda and ECS: AppSpec files in the request, and where else they may be. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { managementClient } from '../../support/hand-driven-host.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const LAMBDA = `version: 0.0
Resources:
  - shop:
      Type: AWS::Lambda::Function
      Properties: {Name: shop, Alias: live, CurrentVersion: 1, TargetVersion: 2}
`;
const ECS = JSON.stringify({
  version: 0,
  Resources: [
    {
      TargetService: {
        Type: 'AWS::ECS::Service',
        Properties: { TaskDefinition: 'shop:7', LoadBalancerInfo: { ContainerName: 'web', ContainerPort: 80 } },
      },
    },
  ],
});
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const content = (text: string, digest?: string) => ({
  revisionType: 'AppSpecContent',
  appSpecContent: { content: text, ...(digest === undefined ? {} : { sha256: digest }) },
});
const text = (value: string) => ({ revisionType: 'String', string: { content: value } });

let scratch: ScratchFolder;
let server: TestServer;
let call: (operation: string, input: object) => Promise<Record<string, unknown>>;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'), undefined, undefined, { awsRegion: 'us-east-1' });
  const client = managementClient(server.url, await server.key('admin'));
  call = async (operation, input) => (await client.call(operation as never, input as never)) as Record<string, unknown>;
  for (const computePlatform of ['Lambda', 'ECS', 'Server']) {
    await call('CreateApplication', { applicationName: computePlatform, computePlatform });
  }
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const register = (applicationName: string, revision: object, description = '') =>
  call('RegisterApplicationRevision', { applicationName, revision, description });

describe('an AppSpec file in a request', () => {
  test.each([
    ['Lambda', LAMBDA],
    ['ECS', ECS],
  ])('for %s is registered under its digest, and shown with it, in either of its forms', async (platform, file) => {
    await register(platform, content(file), 'first');
    await register(platform, content(file, sha256(file).toUpperCase()), 'again');
    await register(platform, text(file));
    const { revisions } = await call('ListApplicationRevisions', { applicationName: platform });
    expect(revisions).toEqual([
      { revisionType: 'AppSpecContent', appSpecContent: { content: file, sha256: sha256(file) } },
      { revisionType: 'String', string: { content: file, sha256: sha256(file) } },
    ]);
    const byDigest = { revisionType: 'AppSpecContent', appSpecContent: { sha256: sha256(file) } };
    for (const revision of [content(file), byDigest]) {
      expect(await call('GetApplicationRevision', { applicationName: platform, revision })).toMatchObject({
        revisionInfo: { description: 'again' },
      });
    }
    const revision = { revisionType: 'String', string: { sha256: 'a'.repeat(64) } };
    await expect(call('GetApplicationRevision', { applicationName: platform, revision })).rejects.toMatchObject({
      type: 'RevisionDoesNotExistException',
    });
  });

  test.each<[string, string, object, string]>([
    ['Lambda', 'of the other platform', content(ECS), 'that is one for ECS'],
    ['ECS', 'of the other platform', content(LAMBDA), 'that is one for Lambda'],
    ['Server', 'for hosts', content(LAMBDA), 'is for Lambda and ECS'],
    ['Lambda', 'without content', content(''), 'missing or empty'],
    [
      'Lambda',
      'with its digest alone, to be registered',
      { ...content(''), appSpecContent: { sha256: 'a'.repeat(64) } },
      'content',
    ],
    ['Lambda', 'with the digest of something else', content(LAMBDA, 'a'.repeat(64)), sha256(LAMBDA)],
    ['Lambda', 'with a digest that is none', content(LAMBDA, 'sha'), '64 hexadecimal digits'],
    ['Lambda', 'that is no YAML', content('a: [b'), 'line 1'],
    ['Lambda', 'that is as large as no file is', content(`${LAMBDA}${'#'.repeat(70_000)}`), '65536 is the limit'],
    ['Lambda', 'with equal versions', content(LAMBDA.replace('2}', '1}')), 'nothing to shift'],
    ['Lambda', 'with two members', { ...content(LAMBDA), string: { content: LAMBDA } }, 'too'],
    ['ECS', 'with a misspelt key', text(ECS.replace('ContainerName', 'ContainerNam')), "did you mean 'ContainerName'"],
  ])('is refused for %s %s', async (platform, _what, revision, message) => {
    await expect(register(platform, revision)).rejects.toMatchObject({
      type: 'InvalidRevisionException',
      message: expect.stringContaining(message),
    });
  });

  test('has all of its errors in the exception, each with its place', async () => {
    const file = LAMBDA.replace('Name: shop', 'Name: shop:1').replace('Alias: live', 'Alias: 7').replace('2}', '0}');
    await expect(register('Lambda', content(file))).rejects.toMatchObject({
      message: expect.stringMatching(
        /line 5, column 26: Name must.*line 5, column \d+: Alias must.*TargetVersion must/,
      ),
    });
  });
});

describe('a revision elsewhere', () => {
  const object = (bundleType: string) => ({
    revisionType: 'S3',
    s3Location: { bucket: 'revisions', key: `appspec.${bundleType}`, bundleType },
  });
  const git = { revisionType: 'GitHub', gitHubLocation: { repository: 'team/shop', commitId: 'a'.repeat(40) } };

  test.each([
    ['Lambda', ['YAML', 'JSON', 'zip', 'tgz'], ['tar', 'yaml']],
    ['ECS', ['YAML', 'JSON', 'zip', 'tgz'], ['tar', 'rar']],
    ['Server', ['tar', 'tgz', 'zip'], ['YAML', 'JSON']],
  ])('a revision of %s may be an object of the types %j, and of none of %j', async (platform, taken, refused) => {
    for (const type of taken) await register(platform, object(type));
    for (const type of refused) {
      await expect(register(platform, object(type))).rejects.toMatchObject({
        type: 'InvalidRevisionException',
        message: expect.stringContaining('bundleType'),
      });
    }
  });

  test('may be a commit for hosts alone', async () => {
    await register('Server', git);
    for (const platform of ['Lambda', 'ECS']) {
      await expect(register(platform, git)).rejects.toMatchObject({
        type: 'InvalidRevisionException',
        message: expect.stringContaining('is for hosts'),
      });
    }
  });
});
