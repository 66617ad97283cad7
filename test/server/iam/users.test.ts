import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostClient, managementClient } from '../../support/hand-driven-host.ts';
import { type CallQuery, queryApi } from '../../support/query-api.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const POLICY =
  '{"Version":"2012-10-17","Statement":[{"Action":["s3:Get*","s3:List*"],"Effect":"Allow","Resource":"*"}]}';

const scratch = scratchFolder();
let server: TestServer;
let operator: { accessKeyId: string; secretAccessKey: string };
let iam: CallQuery;
beforeAll(async () => {
  server = await testServer(scratch.path);
  operator = await server.key('operator');
  iam = queryApi(server.url, 'iam', operator);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function makeUser(UserName: string): Promise<{ arn: string; accessKeyId: string; secretAccessKey: string }> {
  const made = await iam('CreateUser', { UserName, Path: '/AWS/CodeDeploy/' });
  expect(made).toMatchObject({ status: 200, code: null });
  const { result } = await iam('CreateAccessKey', { UserName });
  const key = result['AccessKey'] as { AccessKeyId: string; SecretAccessKey: string };
  const { Arn: arn } = made.result['User'] as { Arn: string };
  return { arn, accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
}

describe('a user of IAM', () => {
  test('has the ARN of its path and name, and is shown by GetUser and ListUsers', async () => {
    const { arn } = await makeUser('shown');
    expect(arn).toBe('arn:aws:iam::000000000000:user/AWS/CodeDeploy/shown');
    const { result } = await iam('GetUser', { UserName: 'shown' });
    expect(result['User']).toMatchObject({ UserName: 'shown', Path: '/AWS/CodeDeploy/', Arn: arn });
    const found = await iam('ListUsers', { PathPrefix: '/AWS/' });
    expect(JSON.stringify(found.result)).toContain(arn);
    expect((await iam('ListUsers', { PathPrefix: '/other/' })).result).toEqual({ Users: '', IsTruncated: 'false' });
  });

  test('is listed page by page', async () => {
    for (const UserName of ['page-a', 'page-b', 'page-c']) await iam('CreateUser', { UserName, Path: '/pages/' });
    const names: string[] = [];
    let marker: Record<string, string> = {};
    for (;;) {
      const { result } = await iam('ListUsers', { PathPrefix: '/pages/', MaxItems: '1', ...marker });
      names.push((result['Users'] as { member: { UserName: string } }).member.UserName);
      if (result['IsTruncated'] === 'false') break;
      marker = { Marker: String(result['Marker']) };
    }
    expect(names).toEqual(['page-a', 'page-b', 'page-c']);
  });

  test('has a key without power until a host is registered with its ARN, and again after the deregistration', async () => {
    const user = await makeUser('bound');
    const host = hostClient(server.url, user.arn, user);
    const people = managementClient(server.url, operator);
    await expect(host.pollHostCommand(undefined, false)).rejects.toMatchObject({ type: 'AccessDeniedException' });
    await people.call('RegisterOnPremisesInstance', { instanceName: 'bound', iamUserArn: user.arn });
    expect(await host.pollHostCommand(undefined, false)).toBeNull();
    await people.call('DeregisterOnPremisesInstance', { instanceName: 'bound' });
    await expect(host.pollHostCommand(undefined, false)).rejects.toMatchObject({ type: 'UnrecognizedClientException' });
    expect((await iam('ListAccessKeys', { UserName: 'bound' })).result['AccessKeyMetadata']).toBe('');
  });

  test('loses a deleted key at once, and keeps the other one', async () => {
    const first = await makeUser('turning');
    const people = managementClient(server.url, operator);
    await people.call('RegisterOnPremisesInstance', { instanceName: 'turning', iamUserArn: first.arn });
    const { result } = await iam('CreateAccessKey', { UserName: 'turning' });
    const second = result['AccessKey'] as { AccessKeyId: string; SecretAccessKey: string };
    expect(await iam('CreateAccessKey', { UserName: 'turning' })).toMatchObject({ status: 409, code: 'LimitExceeded' });
    const deleted = { UserName: 'turning', AccessKeyId: first.accessKeyId };
    expect(await iam('DeleteAccessKey', deleted)).toMatchObject({ status: 200 });
    expect(await iam('DeleteAccessKey', deleted)).toMatchObject({ status: 404, code: 'NoSuchEntity' });
    const [old, young] = [
      hostClient(server.url, first.arn, first),
      hostClient(server.url, first.arn, {
        accessKeyId: second.AccessKeyId,
        secretAccessKey: second.SecretAccessKey,
      }),
    ];
    await expect(old.pollHostCommand(undefined, false)).rejects.toMatchObject({ type: 'UnrecognizedClientException' });
    expect(await young.pollHostCommand(undefined, false)).toBeNull();
  });

  test('is deleted only after its keys and its policies', async () => {
    const { accessKeyId: AccessKeyId } = await makeUser('leaving');
    const UserName = 'leaving';
    const policy = { UserName, PolicyName: 'codedeploy-agent' };
    expect(await iam('PutUserPolicy', { ...policy, PolicyDocument: POLICY })).toMatchObject({ status: 200 });
    const read = await iam('GetUserPolicy', policy);
    expect(decodeURIComponent(String(read.result['PolicyDocument']))).toBe(POLICY);
    expect(await iam('DeleteUser', { UserName })).toMatchObject({ status: 409, code: 'DeleteConflict' });
    await iam('DeleteAccessKey', { UserName, AccessKeyId });
    expect(await iam('DeleteUser', { UserName })).toMatchObject({ status: 409, code: 'DeleteConflict' });
    expect((await iam('ListUserPolicies', { UserName })).result['PolicyNames']).toEqual({ member: 'codedeploy-agent' });
    expect(await iam('DeleteUserPolicy', policy)).toMatchObject({ status: 200 });
    expect(await iam('DeleteUser', { UserName })).toMatchObject({ status: 200 });
    expect(await iam('GetUser', { UserName })).toMatchObject({ status: 404, code: 'NoSuchEntity' });
  });

  test('is made once, whatever the case of its letters, also by ten requests at the same time', async () => {
    const attempts = Array.from({ length: 10 }, (_, index) =>
      iam('CreateUser', { UserName: index % 2 === 0 ? 'twin' : 'TWIN' }),
    );
    const codes = (await Promise.all(attempts)).map(({ code }) => code);
    expect(codes.filter((code) => code === null)).toHaveLength(1);
    expect(codes.filter((code) => code === 'EntityAlreadyExists')).toHaveLength(9);
  });

  test.each<[string, Record<string, string>]>([
    ['no name', {}],
    ['an empty name', { UserName: '' }],
    ['a name with a slash', { UserName: 'a/b' }],
    ['a name of 65 characters', { UserName: 'a'.repeat(65) }],
    ['a path without an end', { UserName: 'x', Path: '/a' }],
    ['a path with a blank', { UserName: 'x', Path: '/a b/' }],
    ['a path of the identities that Slipway makes', { UserName: 'x', Path: '/slipway/admin/' }],
    ['tags', { UserName: 'x', 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': 'b' }],
    ['a boundary', { UserName: 'x', PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' }],
  ])('a user of IAM with %s is refused, and not made', async (_, parameters) => {
    const before = await iam('ListUsers');
    expect(await iam('CreateUser', parameters)).toMatchObject({ status: 400, code: 'ValidationError' });
    expect((await iam('ListUsers')).result).toEqual(before.result);
  });
});

test.each(['viewer', 'host'] as const)('a key of role %s calls nothing of IAM, and changes nothing', async (role) => {
  const hostArn = 'arn:aws:iam::000000000000:user/AWS/CodeDeploy/caller';
  const key = await server.key(role, role === 'host' ? hostArn : undefined);
  if (role === 'host') {
    const people = managementClient(server.url, operator);
    await people.call('RegisterOnPremisesInstance', { instanceName: 'caller', iamUserArn: hostArn });
  }
  const call = queryApi(server.url, 'iam', key);
  await makeUser(`of-${role}`);
  const before = await iam('ListUsers');
  const target = { UserName: `of-${role}` };
  for (const [action, parameters] of Object.entries({
    CreateUser: { UserName: 'mine' },
    CreateAccessKey: target,
    PutUserPolicy: { ...target, PolicyName: 'p', PolicyDocument: POLICY },
    GetUser: {},
    ListUsers: {},
    ListAccessKeys: target,
    DeleteAccessKey: { ...target, AccessKeyId: operator.accessKeyId },
    DeleteUser: target,
  })) {
    expect(await call(action, parameters), action).toMatchObject({ status: 403, code: 'AccessDenied' });
  }
  expect((await iam('ListUsers')).result).toEqual(before.result);
});

test('an operator cannot delete a key of people or of another user by naming a user of its own', async () => {
  await makeUser('mine-alone');
  const { accessKeyId } = await makeUser('somebody-else');
  const admin = await server.key('admin');
  for (const AccessKeyId of [accessKeyId, admin.accessKeyId, operator.accessKeyId]) {
    const answer = await iam('DeleteAccessKey', { UserName: 'mine-alone', AccessKeyId });
    expect(answer).toMatchObject({ status: 404, code: 'NoSuchEntity' });
  }
  expect(await queryApi(server.url, 'sts', admin)('GetCallerIdentity')).toMatchObject({ status: 200 });
});
