/** Requests that are larger than any, or hold characters that no database keeps, get an exception of the API, and nothing is changed. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { RemoteApiError } from '../../../src/protocol/errors.ts';
import type { ManagementOperation } from '../../../src/protocol/management/shapes.ts';
import { hostClient, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { describeStores } from '../../support/stores.ts';
import { testServer } from '../../support/test-server.ts';

/** Texts that no compression makes short enough for an index. */
const long = (characters: number): string => {
  let text = '';
  for (let n = 0; text.length < characters; n += 1) text += createHash('sha512').update(String(n)).digest('hex');
  return text.slice(0, characters);
};
const SITE = { applicationName: 'site' };
const GROUP = { ...SITE, deploymentGroupName: 'new', serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
const s3 = (members: object) => ({
  revision: { revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: 'zip', ...members } },
});
const APP_ARN = 'arn:aws:codedeploy:us-east-1:000000000000:application:site';
const HOST_ARN = 'arn:aws:iam::000000000000:user/h';
const tags = (count: number) => Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: '' }));

const TOO_LARGE: readonly (readonly [string, ManagementOperation, object, string])[] = [
  ...[3_000, 20_000, 500_000].flatMap((size): [string, ManagementOperation, object, string][] => {
    const revision = size > 4_096 ? 'ValidationException' : 'InvalidRevisionException';
    const arn = size > 4_096 ? 'ValidationException' : 'InvalidIamUserArnException';
    const iamUserArn = `arn:aws:iam::000000000000:user/${long(size)}`;
    return [
      [`a key of ${size}`, 'RegisterApplicationRevision', { ...SITE, ...s3({ key: long(size) }) }, revision],
      [`an ETag of ${size}`, 'RegisterApplicationRevision', { ...SITE, ...s3({ eTag: long(size) }) }, revision],
      [`a version of ${size}`, 'RegisterApplicationRevision', { ...SITE, ...s3({ version: long(size) }) }, revision],
      [`an ARN of ${size}`, 'RegisterOnPremisesInstance', { instanceName: 'n', iamUserArn }, arn],
      [
        `a description of ${size}`,
        'CreateAccessKey',
        { role: 'viewer', description: long(size) },
        'DescriptionTooLongException',
      ],
    ];
  }),
  ['a role of 20000', 'CreateDeploymentGroup', { ...GROUP, serviceRoleArn: long(20_000) }, 'ValidationException'],
  [
    'a filter of 20000',
    'CreateDeploymentGroup',
    { ...GROUP, onPremisesInstanceTagFilters: [{ Key: long(20_000), Value: '', Type: 'KEY_ONLY' }] },
    'ValidationException',
  ],
  ['20000 tags', 'TagResource', { ResourceArn: APP_ARN, Tags: tags(20_000) }, 'ValidationException'],
  [
    '70000 names of tags',
    'UntagResource',
    { ResourceArn: APP_ARN, TagKeys: tags(70_000).map(({ Key }) => Key) },
    'ValidationException',
  ],
  [
    '12000 filters',
    'ListOnPremisesInstances',
    { tagFilters: tags(12_000).map((tag) => ({ ...tag, Type: 'KEY_ONLY' })) },
    'ValidationException',
  ],
  ...['TargetStatus', 'x'.repeat(9_000)].map((name): [string, ManagementOperation, object, string] => [
    `a filter of targets with 90000 values under a name of ${name.length}`,
    'ListDeploymentTargets',
    { deploymentId: 'd-000000000', targetFilters: { [name]: Array.from({ length: 90_000 }, () => 'Failed') } },
    'ValidationException',
  ]),
  [
    'a half of a surrogate pair in a tag',
    'TagResource',
    { ResourceArn: APP_ARN, Tags: [{ Key: '\ud800', Value: 'x' }] },
    'SerializationException',
  ],
  [
    'a half of a surrogate pair in a key',
    'RegisterApplicationRevision',
    { ...SITE, ...s3({ key: 'a\udfffb' }) },
    'SerializationException',
  ],
  [
    'NUL in a description',
    'RegisterApplicationRevision',
    { ...SITE, ...s3({}), description: 'a\0b' },
    'SerializationException',
  ],
];

describeStores('a request that is larger than any, or has characters that nothing keeps', (kind) => {
  test('a person’s request that is too large, or has characters that nothing keeps, is refused by an exception of the API at once, and changes nothing', async () => {
    using scratch = scratchFolder();
    await using database = await kind.create();
    const { location } = database;
    const databaseUrl = 'databaseUrl' in location ? location.databaseUrl : undefined;
    await using server = await testServer(scratch.at('data'), databaseUrl);
    const admin = managementClient(server.url, await server.key('admin'));
    await admin.call('CreateApplication', SITE);
    for (const [what, operation, input, type] of TOO_LARGE) {
      const answer = await admin.call(operation, input as never).then(
        (output) => JSON.stringify(output),
        (error: RemoteApiError) => error.type,
      );
      expect([what, operation, answer]).toEqual([what, operation, type]);
    }
    const info = { ...SITE, sortBy: 'registerTime' } as const;
    expect(await admin.call('ListApplicationRevisions', info)).toMatchObject({ revisions: [] });
    expect(await admin.call('ListDeploymentGroups', SITE)).toMatchObject({ deploymentGroups: [] });
    expect(await admin.call('ListOnPremisesInstances', {})).toMatchObject({ instanceNames: [] });
    expect(await admin.call('ListTagsForResource', { ResourceArn: APP_ARN })).toMatchObject({ Tags: [] });
    // The longest that are taken find what they name again.
    await admin.call('RegisterOnPremisesInstance', {
      instanceName: 'n',
      iamUserArn: `arn:aws:iam::000000000000:user/${long(380)}`,
    });
    const longest = { ...SITE, ...s3({ key: long(1_024), version: long(1_024) }) };
    await admin.call('RegisterApplicationRevision', longest as never);
    expect(await admin.call('GetApplicationRevision', longest as never)).toMatchObject({ applicationName: 'site' });
  });

  test('a host’s request that is too large, or has characters that nothing keeps, is refused by an exception of the API', async () => {
    using scratch = scratchFolder();
    await using database = await kind.create();
    const { location } = database;
    const databaseUrl = 'databaseUrl' in location ? location.databaseUrl : undefined;
    await using server = await testServer(scratch.at('data'), databaseUrl);
    const admin = managementClient(server.url, await server.key('admin'));
    await admin.call('RegisterOnPremisesInstance', { instanceName: 'h', iamUserArn: HOST_ARN });
    const host = hostClient(server.url, HOST_ARN, await server.key('host', HOST_ARN));
    const outcome = {
      status: 'Succeeded',
      diagnostics: { errorCode: 0, scriptName: '', message: '', log: '' },
    } as const;
    for (const id of ['a\0b', '\ud800', 'a/\0/b/1', '\udc00/d/i/1']) {
      for (const call of [
        () => host.getDeploymentSpecification(id),
        () => host.acknowledge(id, false),
        () => host.update(id),
        () => host.complete(id, outcome),
      ])
        await expect(call()).rejects.toMatchObject({ status: 400, type: 'ClientException' });
    }
  });
});
