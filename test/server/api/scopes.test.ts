/** Keys that are limited to some applications and groups: nothing beside those is shown or changed, by whichever door. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import type { KeyScope } from '../../../src/protocol/management/key-scope.ts';
import type { CodeDeployOperation, ManagementOperation } from '../../../src/protocol/management/shapes.ts';
import { permissionFor } from '../../../src/server/api/permissions.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { queryApi } from '../../support/query-api.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { OPERATION_NAMES, OPERATIONS, requestOf } from './operations/all.ts';
import type { Change, Members } from './operations/operation.ts';
import { createWorld, ROLE, type World } from './operations/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

type Key = { readonly accessKeyId: string; readonly secretAccessKey: string };

async function limitedKey(scope: Partial<KeyScope>, role = 'operator'): Promise<Key> {
  return (await world.call('CreateAccessKey', { role, scope })) as unknown as Key;
}

async function limitedTo(scope: Partial<KeyScope>, role?: string): Promise<ManagementClient> {
  return managementClient(world.server.url, await limitedKey(scope, role));
}

/** `done`, or the type of the refusal with its message. */
async function answerTo(client: ManagementClient, operation: ManagementOperation, input: Members) {
  return client.call(operation, input as never).then(
    (output: unknown) => ({ type: 'done', message: '', output: output as Record<string, unknown> }),
    (error: { type: string; message: string }) => ({ type: error.type, message: error.message, output: {} }),
  );
}

const BUNDLE = { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'site/a.zip', bundleType: 'zip' } };
/** Good requests of the table that name what a limited key has not, or nothing at all. */
const CHANGES: { readonly [Op in CodeDeployOperation]?: Change } = {
  BatchGetDeployments: ({ running }) => ({ deploymentIds: [running] }),
  CreateDeployment: { revision: BUNDLE },
};

function goodRequest(name: CodeDeployOperation): Members {
  return {
    ...requestOf(OPERATIONS[name], {}, world),
    ...requestOf({ ...OPERATIONS[name], good: {} }, CHANGES[name] ?? {}, world),
  };
}

test('a key of other applications is refused by every operation on these, and nothing is changed', async () => {
  const client = await limitedTo({ applications: ['elsewhere-*'], hostTags: [{ Key: 'Role', Value: 'web' }] });
  const before = await world.kept();
  for (const name of OPERATION_NAMES) {
    const { type, message } = await answerTo(client, name, goodRequest(name));
    const isOpen = ['nothing', 'listed'].includes(permissionFor(name)?.touches ?? '');
    expect({ name, type }).toEqual({ name, type: isOpen ? 'done' : 'AccessDeniedException' });
    if (isOpen) continue;
    expect(message).toContain(name);
    expect(message).toContain('It is limited to applications elsewhere-*; hosts Role=web.');
  }
  expect(await world.kept()).toBe(before);
});

test('a key of these applications may do what an operator may, but for what belongs to no application', async () => {
  const own = await createWorld();
  const shared = world;
  world = own;
  try {
    const applications = ['s*te', 'oth*', 'another', 'fresh'];
    const client = await limitedTo({ applications, hostTags: [{ Key: 'Role', Value: 'web' }] });
    for (const name of OPERATION_NAMES) {
      const { type } = await answerTo(client, name, goodRequest(name));
      const expected =
        permissionFor(name)?.touches === 'server'
          ? 'AccessDeniedException'
          : (OPERATIONS[name].alwaysRefused ?? 'done');
      expect({ name, type }).toEqual({ name, type: expected });
    }
  } finally {
    world = shared;
    await own[Symbol.asyncDispose]();
  }
});

describe('a key of one group', () => {
  const SITE = { applicationName: 'site' };
  const arn = (resource: string) => `arn:aws:codedeploy:us-east-1:000000000000:${resource}`;
  const running = () => ({ deploymentId: world.running });
  const idle = () => ({ deploymentId: world.completed });
  const cases: readonly [ManagementOperation, () => Members, 'done' | 'AccessDeniedException'][] = [
    ['GetApplication', () => SITE, 'done'],
    ['BatchGetApplications', () => ({ applicationNames: ['site', 'other'] }), 'AccessDeniedException'],
    ['GetApplication', () => ({ applicationName: 'no-such' }), 'AccessDeniedException'],
    ['CreateApplication', () => ({ applicationName: 'site2' }), 'AccessDeniedException'],
    ['UpdateApplication', () => SITE, 'AccessDeniedException'],
    ['DeleteApplication', () => SITE, 'AccessDeniedException'],
    ['RegisterApplicationRevision', () => ({ ...SITE, revision: BUNDLE }), 'done'],
    ['GetDeploymentGroup', () => ({ ...SITE, deploymentGroupName: 'web' }), 'done'],
    ['GetDeploymentGroup', () => ({ ...SITE, deploymentGroupName: 'idle' }), 'AccessDeniedException'],
    ['BatchGetDeploymentGroups', () => ({ ...SITE, deploymentGroupNames: ['web', 'idle'] }), 'AccessDeniedException'],
    ['DeleteDeploymentGroup', () => ({ ...SITE, deploymentGroupName: 'idle' }), 'AccessDeniedException'],
    ['CreateDeployment', () => ({ ...SITE, deploymentGroupName: 'idle', revision: BUNDLE }), 'AccessDeniedException'],
    [
      'UpdateDeploymentGroup',
      () => ({ ...SITE, currentDeploymentGroupName: 'web', newDeploymentGroupName: 'w' }),
      'AccessDeniedException',
    ],
    [
      'UpdateDeploymentGroup',
      () => ({ ...SITE, currentDeploymentGroupName: 'spare', newDeploymentGroupName: 'web' }),
      'AccessDeniedException',
    ],
    [
      'UpdateDeploymentGroup',
      () => ({ ...SITE, currentDeploymentGroupName: 'web', outdatedInstancesStrategy: 'IGNORE' }),
      'done',
    ],
    ['ListDeployments', () => ({ ...SITE, deploymentGroupName: 'idle' }), 'AccessDeniedException'],
    ['GetDeployment', running, 'done'],
    ['GetDeployment', idle, 'AccessDeniedException'],
    ['GetDeployment', () => ({ deploymentId: world.orphaned }), 'AccessDeniedException'],
    ['BatchGetDeployments', () => ({ deploymentIds: [world.running, world.completed] }), 'AccessDeniedException'],
    ['ListDeploymentTargets', idle, 'AccessDeniedException'],
    ['DescribeDeploymentProgress', running, 'done'],
    ['DescribeDeploymentProgress', idle, 'AccessDeniedException'],
    ['DescribeDeploymentWaits', running, 'done'],
    ['DescribeDeploymentWaits', idle, 'AccessDeniedException'],
    ['StopDeploymentNow', idle, 'AccessDeniedException'],
    ['TagResource', () => ({ ResourceArn: arn('deploymentgroup:site/web'), Tags: [{ Key: 'k', Value: 'v' }] }), 'done'],
    [
      'TagResource',
      () => ({ ResourceArn: arn('deploymentgroup:site/idle'), Tags: [{ Key: 'k', Value: 'v' }] }),
      'AccessDeniedException',
    ],
    ['UntagResource', () => ({ ResourceArn: arn('application:site'), TagKeys: ['Team'] }), 'AccessDeniedException'],
    ['ListTagsForResource', () => ({ ResourceArn: arn('application:site') }), 'done'],
    ['ListTagsForResource', () => ({ ResourceArn: arn('application:other') }), 'AccessDeniedException'],
    ['CreateAccessKey', () => ({ role: 'host', instanceName: 'web-1' }), 'AccessDeniedException'],
    ['ListAccessKeys', () => ({}), 'AccessDeniedException'],
    ['DescribeHosts', () => ({}), 'AccessDeniedException'],
    ['DescribeServer', () => ({}), 'done'],
    ['DescribeServerSettings', () => ({}), 'AccessDeniedException'],
  ];

  test('reaches the group and its deployments, looks into its application, and reaches nothing beside', async () => {
    const client = await limitedTo({ groups: ['s*/web'] });
    const answers = [];
    for (const [operation, input] of cases)
      answers.push([operation, (await answerTo(client, operation, input())).type]);
    expect(answers).toEqual(cases.map(([operation, , expected]) => [operation, expected]));
  });

  test('is shown no other group, application or deployment in lists', async () => {
    const client = await limitedTo({ applications: ['site', 'other'], groups: ['site/web'] }, 'viewer');
    expect(await client.call('ListApplications', {})).toEqual({ applications: ['site'] });
    expect((await client.call('ListDeploymentGroups', SITE)).deploymentGroups).toEqual(['web']);
    expect((await client.call('ListDeployments', {})).deployments).toEqual([world.running]);
    const revision = {
      revisionType: 'S3',
      s3Location: { bucket: 'revisions', key: 'site.zip', bundleType: 'zip' },
    } as const;
    const { revisionInfo } = await client.call('GetApplicationRevision', { ...SITE, revision });
    expect(revisionInfo?.deploymentGroups).toEqual(['web']);
  });

  test('loses a group that is renamed, with its deployments, and gets one that is given its name', async () => {
    const client = await limitedTo({ groups: ['site/web'] });
    const rename = (from: string, to: string) =>
      world.call('UpdateDeploymentGroup', { ...SITE, currentDeploymentGroupName: from, newDeploymentGroupName: to });
    await rename('web', 'production');
    await rename('idle', 'web');
    try {
      expect((await answerTo(client, 'GetDeployment', running())).type).toBe('AccessDeniedException');
      expect((await answerTo(client, 'StopDeployment', running())).type).toBe('AccessDeniedException');
      expect((await client.call('ListDeployments', {})).deployments).toEqual([world.completed]);
    } finally {
      await rename('web', 'idle');
      await rename('production', 'web');
    }
  });
});

test.each([
  ['own tags', { onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }] }, true],
  ['own tags without a type', { ec2TagFilters: [{ Key: 'Role', Value: 'web' }] }, true],
  [
    'own tags among others',
    {
      onPremisesInstanceTagFilters: [
        { Key: 'Role', Value: 'web' },
        { Key: 'Role', Value: 'bank' },
      ],
    },
    false,
  ],
  ['any value of the key', { onPremisesInstanceTagFilters: [{ Key: 'Role', Type: 'KEY_ONLY' }] }, false],
  ['any key of the value', { ec2TagFilters: [{ Value: 'web', Type: 'VALUE_ONLY' }] }, false],
  [
    'one list of own tags',
    { onPremisesTagSet: { onPremisesTagSetList: [[{ Key: 'Zone', Value: 'a' }], [{ Key: 'Role', Value: 'web' }]] } },
    true,
  ],
  [
    'no list of own tags alone',
    {
      ec2TagSet: {
        ec2TagSetList: [
          [
            { Key: 'Zone', Value: 'a' },
            { Key: 'Role', Value: 'web' },
          ],
        ],
      },
    },
    false,
  ],
  ['an empty list', { onPremisesTagSet: { onPremisesTagSetList: [[], [{ Key: 'Zone', Value: 'a' }]] } }, false],
  ['a load balancer', { loadBalancerInfo: { targetGroupInfoList: [{ name: 'bank' }] } }, false],
] as const)(
  'a limited key that gives a group hosts by %s is taken as its own tags say',
  async (_what, settings, isTaken) => {
    const client = await limitedTo({ applications: ['site'], hostTags: [{ Key: 'Role', Value: 'web' }] });
    const names = { applicationName: 'site', deploymentGroupName: 'chosen', serviceRoleArn: ROLE };
    const { type, message } = await answerTo(client, 'CreateDeploymentGroup', { ...names, ...settings });
    expect(type).toBe(isTaken ? 'done' : 'AccessDeniedException');
    if (!isTaken) expect(message).toContain(Object.keys(settings)[0]);
    await world.call('DeleteDeploymentGroup', { applicationName: 'site', deploymentGroupName: 'chosen' });
  },
);

test.each([
  ['its own', { bucket: 'revisions', key: 'site/a.zip' }, 'done'],
  ['another application’s', { bucket: 'revisions', key: 'other/a.zip' }, 'AccessDeniedException'],
  ['nobody’s', { bucket: 'revisions', key: 'a.zip' }, 'AccessDeniedException'],
  ['one whose name begins like its own', { bucket: 'revisions', key: 'site2/a.zip' }, 'AccessDeniedException'],
  ['one of another store', { bucket: 'elsewhere', key: 'other/a.zip' }, 'done'],
])('a limited key registers a bundle that is %s as it may read it', async (_whose, place, expected) => {
  const client = await limitedTo({ groups: ['site/web'] });
  const revision = { revisionType: 'S3', s3Location: { ...place, bundleType: 'zip' } };
  const { type } = await answerTo(client, 'RegisterApplicationRevision', { applicationName: 'site', revision });
  expect(type).toBe(expected);
});

test.each([
  ['own tags', { tagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }] }, false],
  ['other tags', { tagFilters: [{ Key: 'Role', Value: 'bank', Type: 'KEY_AND_VALUE' }] }, true],
  ['a set without own tags', { ec2TagSet: { ec2TagSetList: [[{ Key: 'Role', Value: 'bank' }]] } }, true],
  ['an Auto Scaling group', { autoScalingGroups: ['bank'] }, true],
] as const)(
  'a limited key that names replacement hosts by %s is denied as its own tags say',
  async (_what, hosts, isDenied) => {
    const client = await limitedTo({ applications: ['site'], hostTags: [{ Key: 'Role', Value: 'web' }] });
    const group = { applicationName: 'site', deploymentGroupName: 'no-such', revision: BUNDLE };
    const { type } = await answerTo(client, 'CreateDeployment', { ...group, targetInstances: hosts });
    expect(type === 'AccessDeniedException').toBe(isDenied);
  },
);

describe('in the revision store', () => {
  const text = 'bundle';
  const removal = '<Delete><Object><Key>site/x</Key></Object><Object><Key>other/x</Key></Object></Delete>';
  const copied = (source: string) => ({ 'x-amz-copy-source': source });

  test('a limited key reads, lists and changes what begins with the name of its applications, and nothing else', async () => {
    const key = await limitedKey({ applications: ['site'] });
    const [admin, limited] = [rawS3(world.server.s3Url, world.key), rawS3(world.server.s3Url, key)];
    for (const target of ['/revisions/other/x', '/revisions/site/x', '/revisions/plain', '/private']) {
      expect((await admin({ method: 'PUT', target, body: target === '/private' ? '' : text })).status).toBe(200);
    }
    await admin({ method: 'PUT', target: '/private/site/x', body: text });
    const requests: readonly [string, string, Readonly<Record<string, string>>, number][] = [
      ['PUT', '/revisions/site/y', {}, 200],
      ['GET', '/revisions/site/x', {}, 200],
      ['GET', '/revisions?list-type=2&prefix=site%2F', {}, 200],
      ['GET', '/revisions?uploads&prefix=site%2F', {}, 200],
      ['PUT', '/revisions/site/z', copied('revisions/site/x'), 200],
      ['GET', '/revisions?location', {}, 200],
      ['GET', '/revisions/other/x', {}, 403],
      ['GET', '/revisions/no-such/x', {}, 403],
      ['HEAD', '/revisions/plain', {}, 403],
      ['GET', '/private/site/x', {}, 403],
      ['PUT', '/revisions/other/x', {}, 403],
      ['PUT', '/revisions/site%2F..%2Fother/x', {}, 200],
      ['DELETE', '/revisions/other/x', {}, 403],
      ['POST', '/revisions/other/x?uploads', {}, 403],
      ['GET', '/revisions/other/x?tagging', {}, 403],
      ['PUT', '/revisions/site/z', copied('/revisions/other/x'), 403],
      ['PUT', '/revisions/site/z', copied('private/site/x'), 403],
      ['PUT', '/revisions/site/z', copied('revisions/site%2Fx'), 200],
      ['GET', '/revisions', {}, 403],
      ['GET', '/revisions?list-type=2&prefix=site', {}, 403],
      ['GET', '/revisions?list-type=2&prefix=', {}, 403],
      ['GET', '/revisions?versions&prefix=other%2F', {}, 403],
      ['GET', '/', {}, 403],
      ['GET', '/private?location', {}, 403],
      ['PUT', '/another', {}, 403],
      ['DELETE', '/revisions', {}, 403],
    ];
    const answers = [];
    for (const [method, target, headers] of requests) {
      const body = method === 'PUT' && headers['x-amz-copy-source'] === undefined && target !== '/another' ? text : '';
      answers.push([method, target, (await limited({ method, target, headers, body })).status]);
    }
    expect(answers).toEqual(requests.map(([method, target, , status]) => [method, target, status]));
    const several = await limited({ method: 'POST', target: '/revisions?delete', body: removal });
    expect(several.text).toMatch(/<Deleted><Key>site\/x<\/Key>.*<Error><Key>other\/x<\/Key>.*AccessDenied/s);
    expect((await admin({ method: 'GET', target: '/revisions/other/x' })).text).toBe(text);
  });
});

test('a limited key learns who it is by IAM, and touches no user', async () => {
  const key = await limitedKey({ applications: ['site'] });
  expect((await queryApi(world.server.url, 'sts', key)('GetCallerIdentity')).status).toBe(200);
  const iam = queryApi(world.server.url, 'iam', key);
  for (const action of ['CreateUser', 'ListUsers', 'GetUser', 'CreateAccessKey']) {
    expect(await iam(action, { UserName: 'web-1' })).toMatchObject({ status: 403, code: 'AccessDenied' });
  }
});

test.each([
  ['admin', { applications: ['a'] }, 'nothing would limit it'],
  ['host', { applications: ['a'] }, 'speaks for its host'],
  ['operator', {}, 'neither is given'],
  ['operator', { hostTags: [{ Key: 'a', Value: 'b' }] }, 'neither is given'],
  ['operator', { applications: ['a/b'] }, 'no pattern of application names'],
  ['operator', { applications: [''] }, 'no pattern of application names'],
  ['viewer', { groups: ['staging'] }, 'APPLICATION/GROUP'],
  ['viewer', { groups: ['a/b/c'] }, 'APPLICATION/GROUP'],
  ['viewer', { applications: Array.from({ length: 21 }, () => 'a') }, 'limit'],
])('a key of role %s with the scope %j is refused', async (role, scope, why) => {
  const more = role === 'host' ? { instanceName: 'x' } : {};
  await expect(world.call('CreateAccessKey', { role, scope, ...more })).rejects.toMatchObject({
    type: 'ValidationException',
    message: expect.stringContaining(why),
  });
});

test('the list of keys says what each is limited to', async () => {
  const scope = { applications: ['shown-*'], groups: ['shown-*/staging'], hostTags: [] };
  const { accessKeyId } = await limitedKey(scope, 'viewer');
  const { accessKeys } = (await world.call('ListAccessKeys', {})) as {
    accessKeys: { accessKeyId: string; scope?: object }[];
  };
  expect(accessKeys.find((key) => key.accessKeyId === accessKeyId)?.scope).toEqual(scope);
  expect(accessKeys.find((key) => key.accessKeyId === world.key.accessKeyId)).not.toHaveProperty('scope');
});
