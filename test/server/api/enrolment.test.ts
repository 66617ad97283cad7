/** Hosts that enrol with a token: what a token gives, and what it does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enrolHost } from '../../../src/protocol/management/enrol-host.ts';
import { type EnrolHostInput, parseToken } from '../../../src/protocol/management/enrolment.ts';
import { CONTROL_TARGET } from '../../../src/protocol/management/shapes.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { hostClient, managementClient } from '../../support/hand-driven-host.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { describeStores } from '../../support/stores.ts';
import { testServer } from '../../support/test-server.ts';
import { createWorld, type World } from './operations/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function makeToken(input: object = {}): Promise<{ token: string; tokenId: string }> {
  return (await world.call('CreateEnrolmentToken', input)) as unknown as { token: string; tokenId: string };
}

function enrol(token: string, input: EnrolHostInput, endpoint = world.server.url) {
  const parsed = parseToken(token);
  if (parsed === null) throw new Error(`${token} is no token`);
  return enrolHost({ endpoint, clock: systemClock, proxyEnvironment: {} }, parsed, input);
}

const refusal = (type: string, why: string) => ({ type, message: expect.stringContaining(why) });

describe('a host with a token', () => {
  test('gets a key that polls, the tags of the token, and what its agent needs to know of the server', async () => {
    const { token, tokenId } = await makeToken({ tags: [{ Key: 'Role', Value: 'api' }] });
    const made = await enrol(token, { instanceName: 'api-1' });
    expect(made).toMatchObject({ hostArn: 'arn:aws:iam::000000000000:user/slipway/api-1', region: 'us-east-1' });
    expect(made.signerCaCertificatePem).toContain('BEGIN CERTIFICATE');
    expect(await hostClient(world.server.url, made.hostArn, made).pollHostCommand(undefined, false)).toBeNull();
    expect(await world.call('GetOnPremisesInstance', { instanceName: 'api-1' })).toMatchObject({
      instanceInfo: { iamUserArn: made.hostArn, tags: [{ Key: 'Role', Value: 'api' }] },
    });
    const { entries } = await world.call('ListAuditEntries', { operation: 'EnrolHost' });
    expect(entries).toMatchObject([{ actor: tokenId, role: 'token', instanceNames: 'api-1', made: made.accessKeyId }]);
  });

  test('is refused when the token has no uses left, and learns why', async () => {
    const { token } = await makeToken({ uses: 2 });
    await enrol(token, { instanceName: 'twice-1' });
    await enrol(token, { instanceName: 'twice-2' });
    await expect(enrol(token, { instanceName: 'twice-3' })).rejects.toMatchObject(
      refusal('UnrecognizedClientException', 'no uses left of its 2'),
    );
  });

  test('is refused once the token is revoked, has ended, or its maker’s key is disabled', async () => {
    const [revoked, ended] = [await makeToken(), await makeToken()];
    await world.call('RevokeEnrolmentToken', { tokenId: revoked.tokenId });
    await world.store.db
      .updateTable('enrolment_tokens')
      .set({ expires_at_ms: Date.now() - 1 })
      .where('token_id', '=', ended.tokenId)
      .execute();
    const maker = (await world.call('CreateAccessKey', { role: 'operator' })) as {
      accessKeyId: string;
      secretAccessKey: string;
    };
    const { token: orphaned } = await managementClient(world.server.url, maker).call('CreateEnrolmentToken', {});
    await world.call('DisableAccessKey', { accessKeyId: maker.accessKeyId });
    for (const [token, why] of [
      [revoked.token, 'was revoked'],
      [ended.token, 'has ended on'],
      [orphaned, `with the access key ${maker.accessKeyId}`],
    ] as const) {
      const refused = refusal('UnrecognizedClientException', why);
      await expect(enrol(token, { instanceName: 'late' })).rejects.toMatchObject(refused);
    }
    await expect(world.call('GetOnPremisesInstance', { instanceName: 'late' })).rejects.toThrow('not registered');
  });

  test('learns nothing of a token whose secret it does not have', async () => {
    const { token, tokenId } = await makeToken();
    await world.call('RevokeEnrolmentToken', { tokenId });
    const wrong = token.replace(/\.[A-Za-z0-9]{40}/, `.${'x'.repeat(40)}`);
    const unknown = token.replace(tokenId, 'TOKNAAAAAAAAAAAA');
    for (const one of [wrong, unknown]) {
      const refused = refusal('UnrecognizedClientException', 'is not known here');
      await expect(enrol(one, { instanceName: 'stranger' })).rejects.toMatchObject(refused);
    }
  });

  test.each([
    ['of another name', { instanceName: 'web-*' }, { instanceName: 'db-1' }, 'AccessDeniedException'],
    ['of a name that only begins so', { instanceName: 'web' }, { instanceName: 'web-9' }, 'AccessDeniedException'],
    ['of no name', {}, { instanceName: '' }, 'InvalidInstanceNameException'],
    ['of a name of EC2', {}, { instanceName: 'i-0123' }, 'InvalidInstanceNameException'],
    ['of a name that is taken', {}, { instanceName: 'web-1' }, 'InstanceNameAlreadyRegisteredException'],
    ['that takes over without being let', {}, { instanceName: 'web-1', takeOver: true }, 'AccessDeniedException'],
    [
      'that takes over beside its names',
      { instanceName: 'db-*', takeOver: true },
      { instanceName: 'web-1', takeOver: true },
      'AccessDeniedException',
    ],
    [
      'that does not say that it takes over',
      { instanceName: 'web-*', takeOver: true },
      { instanceName: 'web-1' },
      'InstanceNameAlreadyRegisteredException',
    ],
    [
      'with another identity',
      { instanceName: 'web-*', takeOver: true },
      { instanceName: 'web-3', takeOver: true },
      'InstanceNameAlreadyRegisteredException',
    ],
    [
      'that would choose its tags',
      {},
      { instanceName: 'own', tags: [{ Key: 'Role', Value: 'bank' }] },
      'ValidationException',
    ],
  ] as const)('%s is refused, and the token keeps its use', async (_who, input, wish, type) => {
    const { token, tokenId } = await makeToken(input);
    await expect(enrol(token, wish)).rejects.toMatchObject({ type });
    const { tokens } = (await world.call('ListEnrolmentTokens', {})) as {
      tokens: { tokenId: string; usesLeft: number }[];
    };
    expect(tokens.find((one) => one.tokenId === tokenId)?.usesLeft).toBe(1);
  });

  test('a host with a token whose identity another instance is registered with is refused, and that instance keeps its key', async () => {
    const hostArn = 'arn:aws:iam::000000000000:user/slipway/wanted';
    await world.call('RegisterOnPremisesInstance', { instanceName: 'other-name', iamUserArn: hostArn });
    const key = await world.server.key('host', hostArn);
    const { token } = await makeToken();
    await expect(enrol(token, { instanceName: 'wanted' })).rejects.toMatchObject(
      refusal('IamUserArnAlreadyRegisteredException', 'with the instance other-name'),
    );
    expect(await hostClient(world.server.url, hostArn, key).pollHostCommand(undefined, false)).toBeNull();
  });

  test('a host with a token that would have more than ten tags with those of the token is refused, and keeps its key', async () => {
    const tagsOf = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => ({ Key: `${prefix}${at}`, Value: 'x' }));
    const first = await makeToken({ tags: tagsOf('a', 8) });
    const before = await enrol(first.token, { instanceName: 'tagged-1' });
    const second = await makeToken({ instanceName: 'tagged-1', takeOver: true, tags: tagsOf('b', 3) });
    await expect(enrol(second.token, { instanceName: 'tagged-1', takeOver: true })).rejects.toMatchObject(
      refusal('TagLimitExceededException', 'would have 11 tags'),
    );
    expect(await hostClient(world.server.url, before.hostArn, before).pollHostCommand(undefined, false)).toBeNull();
  });

  test('a host with a token that takes over a host is it from then on: earlier keys have no power, and its tags stay', async () => {
    const first = await makeToken({
      tags: [
        { Key: 'Role', Value: 'old' },
        { Key: 'Zone', Value: 'a' },
      ],
    });
    const before = await enrol(first.token, { instanceName: 'moved-1' });
    const second = await makeToken({ instanceName: 'moved-*', takeOver: true, tags: [{ Key: 'Role', Value: 'new' }] });
    const after = await enrol(second.token, { instanceName: 'moved-1', takeOver: true });
    expect(after.tags).toEqual([
      { Key: 'Role', Value: 'new' },
      { Key: 'Zone', Value: 'a' },
    ]);
    const poll = (key: typeof after) =>
      hostClient(world.server.url, key.hostArn, key).pollHostCommand(undefined, false);
    await expect(poll(before)).rejects.toMatchObject(refusal('UnrecognizedClientException', 'disabled'));
    expect(await poll(after)).toBeNull();
  });
});

test('the text of a token is shown once: neither the database nor a list has its secret', async () => {
  const { token } = await makeToken({ description: 'shown once' });
  const { secret = '' } = parseToken(token) ?? {};
  expect(await world.kept()).toContain('shown once');
  expect(await world.kept()).not.toContain(secret);
  expect(JSON.stringify(await world.call('ListEnrolmentTokens', {}))).not.toContain(secret);
  expect(JSON.stringify(await world.call('ListAuditEntries', {}))).not.toContain(secret);
});

test('a token opens nothing but enrolment, and enrolment nothing but a token', async () => {
  const { token, tokenId } = await makeToken();
  const { secret = '' } = parseToken(token) ?? {};
  const post = (operation: string, authorization: string, more: object = {}) =>
    fetch(world.server.url, {
      method: 'POST',
      headers: { 'x-amz-target': `${CONTROL_TARGET}.${operation}`, authorization, ...more },
      body: '{"instanceName":"x"}',
    });
  for (const operation of ['DescribeHosts', 'CreateAccessKey', 'ListEnrolmentTokens']) {
    expect((await post(operation, `Bearer ${tokenId}.${secret}`)).status).toBe(400);
  }
  expect((await post('EnrolHost', '')).status).toBe(403);
  expect((await post('EnrolHost', `Basic ${tokenId}.${secret}`)).status).toBe(403);
  const key = { accessKeyId: tokenId, secretAccessKey: secret };
  await expect(managementClient(world.server.url, key).call('DescribeServer', {})).rejects.toMatchObject({
    type: 'UnrecognizedClientException',
  });
  expect((await rawS3(world.server.s3Url, key)({ method: 'GET', target: '/' })).status).toBe(403);
});

test.each([
  [{ uses: 0 }, 'uses'],
  [{ uses: 10_001 }, 'uses'],
  [{ uses: 1.5 }, 'uses'],
  [{ lifetimeSeconds: 31 * 24 * 60 * 60 }, 'lifetimeSeconds'],
  [{ instanceName: 'a b' }, 'instanceName'],
  [{ takeOver: true }, 'takeOver needs an instanceName'],
  [
    {
      tags: [
        { Key: 'a', Value: '1' },
        { Key: 'a', Value: '2' },
      ],
    },
    'same key',
  ],
  [{ tags: [{ Key: 'aws:x', Value: '1' }] }, 'aws:'],
])('a token of %j is refused', async (input, why) => {
  await expect(makeToken(input)).rejects.toThrow(why);
});

test.each(['viewer', 'host'])('a key of role %s makes, lists and revokes no token', async (role) => {
  const more = role === 'host' ? { instanceName: 'web-1' } : {};
  const key = (await world.call('CreateAccessKey', { role, ...more })) as {
    accessKeyId: string;
    secretAccessKey: string;
  };
  const client = managementClient(world.server.url, key);
  const denied = { type: 'AccessDeniedException' };
  await expect(client.call('CreateEnrolmentToken', {})).rejects.toMatchObject(denied);
  await expect(client.call('ListEnrolmentTokens', {})).rejects.toMatchObject(denied);
  await expect(client.call('RevokeEnrolmentToken', { tokenId: 'x' })).rejects.toMatchObject(denied);
});

describeStores('the last uses of a token', (kind) => {
  test('go to as many hosts as there are, of all that ask at once, and each has the one key of its name', async () => {
    await using database = await kind.create();
    using scratch = scratchFolder();
    const url = 'databaseUrl' in database.location ? database.location.databaseUrl : null;
    const dataDir = 'dataDir' in database.location ? database.location.dataDir : scratch.at('data');
    await using server = await testServer(dataDir, url);
    const admin = managementClient(server.url, await server.key('admin'));
    const { token } = await admin.call('CreateEnrolmentToken', { uses: 3 });
    const names = ['a', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'];
    const endings = await Promise.allSettled(names.map((instanceName) => enrol(token, { instanceName }, server.url)));
    expect(endings.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    const reasons = endings.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { type: string }).type] : [],
    );
    const words = ['UnrecognizedClientException', 'InstanceNameAlreadyRegisteredException'];
    expect(reasons.filter((type) => !words.includes(type))).toEqual([]);
    const store = await openStore(database.location);
    try {
      const { db } = store;
      const keys = await db.selectFrom('access_keys').select('host_arn').where('role', '=', 'host').execute();
      const hosts = await db.selectFrom('instances').select('host_arn').execute();
      expect([keys.length, new Set(keys.map((key) => key.host_arn)).size, hosts.length]).toEqual([3, 3, 3]);
    } finally {
      await store.close();
    }
  });
});
