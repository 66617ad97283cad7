/** The audit log through every door of the server: each request that changes something leaves one entry, and no other one leaves any. */
import { CodeDeployClient, CreateApplicationCommand } from '@aws-sdk/client-codedeploy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionFor } from '../../../src/server/api/permissions.ts';
import type { AuditEntryRow } from '../../../src/server/store/schema.ts';
import { ownUserName } from '../../../src/system/users.ts';
import { queryApi } from '../../support/query-api.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { OPERATION_NAMES, OPERATIONS, requestOf } from '../api/operations/all.ts';
import { createWorld, type World } from '../api/operations/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const entries = () => world.store.db.selectFrom('audit_entries').selectAll().orderBy('at_ms').execute();

/** Entries that a piece of work has added. */
async function added(work: () => Promise<unknown>): Promise<AuditEntryRow[]> {
  const before = new Set((await entries()).map((entry) => entry.request_id));
  await work();
  return (await entries()).filter((entry) => !before.has(entry.request_id));
}

describe('the audit log', () => {
  test('has one entry of each operation that changes something, and none of one that looks or is refused', async () => {
    for (const name of OPERATION_NAMES) {
      let isRefused = true;
      const input = requestOf(OPERATIONS[name], {}, world);
      const found = await added(async () => {
        isRefused = await world.call(name, input).then(
          () => false,
          () => true,
        );
      });
      const isExpected = permissionFor(name)?.changes === true && !isRefused;
      expect({ name, operations: found.map((entry) => entry.operation) }).toEqual({
        name,
        operations: isExpected ? [name] : [],
      });
      if (!isExpected) continue;
      expect(found[0]).toMatchObject({ actor: world.key.accessKeyId, role: 'admin' });
      const application = input['applicationName'];
      if (typeof application === 'string') expect(found[0]).toMatchObject({ application_name: application });
    }
  });

  test('records the keys and hosts that operations name or create, and no secrets', async () => {
    let secret = '';
    let accessKeyId = '';
    const [made] = await added(async () => {
      const answer = await world.call('CreateAccessKey', { role: 'host', instanceName: 'new-1', description: 'x' });
      [secret, accessKeyId] = [String(answer['secretAccessKey']), String(answer['accessKeyId'])];
    });
    expect(made).toMatchObject({ operation: 'CreateAccessKey', instance_names: 'new-1', made: accessKeyId });
    const [disabled] = await added(() => world.call('DisableAccessKey', { accessKeyId }));
    expect(disabled).toMatchObject({ operation: 'DisableAccessKey', request_json: JSON.stringify({ accessKeyId }) });
    expect(await added(() => world.call('DisableAccessKey', { accessKeyId: 'AKIANONE' }).catch(() => null))).toEqual(
      [],
    );
    expect(JSON.stringify(await entries())).not.toContain(secret);
  });

  test('names an entry as its answer was named', async () => {
    const client = new CodeDeployClient({
      ...{ region: 'us-east-1', endpoint: world.server.url, credentials: world.key, maxAttempts: 1 },
    });
    const answer = await client.send(new CreateApplicationCommand({ applicationName: 'named' }));
    client.destroy();
    expect((await entries()).at(-1)).toMatchObject({
      request_id: answer.$metadata.requestId,
      application_name: 'named',
    });
  });

  test('has no entry of requests that a key of too small a role sends', async () => {
    const viewer = await world.server.key('viewer');
    const client = new CodeDeployClient({
      ...{ region: 'us-east-1', endpoint: world.server.url, credentials: viewer, maxAttempts: 1 },
    });
    const sent = () => client.send(new CreateApplicationCommand({ applicationName: 'never' })).catch(() => null);
    expect(await added(sent)).toEqual([]);
    client.destroy();
  });

  test('has what IAM changes, under the names of IAM', async () => {
    const iam = queryApi(world.server.url, 'iam', world.key);
    const UserName = 'audited';
    const names = async (action: string, more: Record<string, string> = {}) =>
      (await added(() => iam(action, { UserName, ...more }))).map((entry) => entry.operation);
    expect(await names('CreateUser')).toEqual(['iam:CreateUser']);
    expect(await names('CreateUser')).toEqual([]);
    expect(await names('GetUser')).toEqual([]);
    const policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}';
    const named = { PolicyName: 'p' };
    expect(await names('PutUserPolicy', { ...named, PolicyDocument: policy })).toEqual(['iam:PutUserPolicy']);
    expect(await names('DeleteUserPolicy', named)).toEqual(['iam:DeleteUserPolicy']);
    expect(await names('CreateAccessKey')).toEqual(['iam:CreateAccessKey']);
    const { made } = (await entries()).at(-1) ?? {};
    expect(await names('DeleteAccessKey', { AccessKeyId: String(made) })).toEqual(['iam:DeleteAccessKey']);
    expect(await names('DeleteUser')).toEqual(['iam:DeleteUser']);
  });

  test('has what people change in the revision store, with bucket, key and version', async () => {
    const send = rawS3(world.server.s3Url, world.key);
    const target = '/revisions/audited.zip';
    const changes = async (request: Parameters<typeof send>[0]) =>
      (await added(() => send(request))).map(({ operation, request_json }) => [operation, JSON.parse(request_json)]);
    const object = { bucket: 'revisions', key: 'audited.zip', version: expect.stringMatching(/^\S+$/) };
    expect(await changes({ method: 'PUT', target, body: 'bundle' })).toEqual([['s3:PutObject', object]]);
    expect(await changes({ method: 'GET', target })).toEqual([]);
    expect(await changes({ method: 'PUT', target, body: 'x', headers: { 'if-none-match': '*' } })).toEqual([]);
    const headers = { 'x-amz-copy-source': target };
    const copied = [['s3:CopyObject', { ...object, key: 'copy.zip' }]];
    expect(await changes({ method: 'PUT', target: '/revisions/copy.zip', headers })).toEqual(copied);
    expect(await changes({ method: 'DELETE', target })).toEqual([['s3:DeleteObject', object]]);
    expect(await changes({ method: 'PUT', target: '/another' })).toEqual([['s3:CreateBucket', { bucket: 'another' }]]);
    expect(await changes({ method: 'DELETE', target: '/another' })).toEqual([
      ['s3:DeleteBucket', { bucket: 'another' }],
    ]);
    const body = '<Delete><Object><Key>copy.zip</Key></Object><Object><Key>none</Key></Object></Delete>';
    const [[operation, { objects }] = ['', { objects: [] }]] = await changes({
      ...{ method: 'POST', target: '/revisions?delete', body },
    });
    expect([operation, objects.map(({ key }: { key: string }) => key).sort()]).toEqual([
      's3:DeleteObjects',
      ['copy.zip', 'none'],
    ]);
  });

  test('names the application and the group of a tagged resource', async () => {
    const ResourceArn = 'arn:aws:codedeploy:us-east-1:000000000000:deploymentgroup:site/idle';
    const [entry] = await added(() => world.call('TagResource', { ResourceArn, Tags: [{ Key: 'a', Value: 'b' }] }));
    expect(entry).toMatchObject({ application_name: 'site', deployment_group_name: 'idle' });
  });

  test('names the user of the machine for what is done beside the server', async () => {
    const [entry] = await added(() => world.server.key('viewer'));
    expect(entry).toMatchObject({ operation: 'CreateAccessKey', role: 'machine', actor: ownUserName() });
  });

  test('is shown to admins alone, the newest first, by page, and only what fits the filters', async () => {
    const operator = await world.server.key('operator');
    for (let number = 0; number < 105; number += 1) {
      await world.call('TagResource', {
        ResourceArn: 'arn:aws:codedeploy:us-east-1:000000000000:application:named',
        Tags: [{ Key: 'n', Value: `${number}` }],
      });
    }
    const list = async (input: object) =>
      (await world.call('ListAuditEntries', input))['entries'] as { time: number }[];
    const filter = { applicationName: 'named', operation: 'TagResource', actor: world.key.accessKeyId };
    const first = await world.call('ListAuditEntries', filter);
    const all = [...(first['entries'] as object[]), ...(await list({ ...filter, nextToken: first['nextToken'] }))];
    const values = all.map((entry) => (entry as { request: { Tags: { Value: string }[] } }).request.Tags[0]?.Value);
    expect(new Set(values).size).toBe(105);
    const times = all.map((entry) => (entry as { time: number }).time);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(await list({ ...filter, timeRange: { end: (times.at(-1) ?? 0) - 0.001 } })).toEqual([]);
    expect(await list({ ...filter, timeRange: { start: times[0] } })).not.toEqual([]);
    expect(await list({ deploymentGroupName: 'nobody' })).toEqual([]);
    expect(await list({ actor: operator.accessKeyId })).toEqual([]);
  });
});
