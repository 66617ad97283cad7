/** Attacks on IAM, STS and monitoring: power that somebody wants to give themselves, and figures that are not for strangers. */
import assert from 'node:assert/strict';
import { hostClient, managementClient } from '../support/hand-driven-host.ts';
import { queryApi } from '../support/query-api.ts';
import { rawS3 } from '../support/raw-s3.ts';
import type { Attack, AttackGround } from './attack.ts';

const NO_OTHER_POWER = 'a user of IAM is a host’s identity, and gives no other power';
const WIDE = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
const USUAL =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}';

async function prepared(ground: AttackGround) {
  const { url, s3Url, env } = await ground.sharedServer();
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env;
  const admin = { accessKeyId, secretAccessKey };
  return { url, s3Url, admin, iam: queryApi(url, 'iam', admin), people: managementClient(url, admin) };
}

async function makesUser({ iam }: Awaited<ReturnType<typeof prepared>>, UserName: string) {
  const made = await iam('CreateUser', { UserName, Path: '/AWS/CodeDeploy/' });
  const { Arn: arn } = made.result['User'] as { Arn: string };
  const { result } = await iam('CreateAccessKey', { UserName });
  const key = result['AccessKey'] as { AccessKeyId: string; SecretAccessKey: string };
  return { arn, key: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey } };
}

export const IDENTITY_ATTACKS: readonly Attack[] = [
  {
    promise: NO_OTHER_POWER,
    name: 'the key of a user with the usual policy reads, lists and calls what is not the host’s',
    async run(attackGround) {
      const ground = await prepared(attackGround);
      const { url, s3Url, iam, people, admin } = ground;
      const { arn, key } = await makesUser(ground, 'greedy');
      await rawS3(s3Url, admin)({ method: 'PUT', target: '/revisions/secret.zip', body: 'not yours' });
      const wide = await iam('PutUserPolicy', { UserName: 'greedy', PolicyName: 'all', PolicyDocument: WIDE });
      assert.equal(wide.code, 'MalformedPolicyDocument');
      const usual = await iam('PutUserPolicy', { UserName: 'greedy', PolicyName: 'usual', PolicyDocument: USUAL });
      assert.equal(usual.status, 200);
      const send = rawS3(s3Url, key);
      assert.equal((await send({ method: 'GET', target: '/revisions/secret.zip' })).status, 403, 'before it was bound');
      await people.call('RegisterOnPremisesInstance', { instanceName: 'greedy', iamUserArn: arn });
      for (const target of ['/revisions/secret.zip', '/revisions?list-type=2', '/']) {
        assert.equal((await send({ method: 'GET', target })).status, 403, target);
      }
      const call = queryApi(url, 'iam', key);
      for (const [action, parameters] of [
        ['CreateUser', { UserName: 'second' }],
        ['CreateAccessKey', { UserName: 'greedy' }],
        ['PutUserPolicy', { UserName: 'greedy', PolicyName: 'all', PolicyDocument: WIDE }],
        ['ListUsers', {}],
      ] as const) {
        assert.equal((await call(action, parameters)).code, 'AccessDenied', action);
      }
      await assert.rejects(managementClient(url, key).call('ListApplications', {}), { type: 'AccessDeniedException' });
    },
  },
  {
    promise: 'a key without power does nothing from that moment',
    name: 'keys of users poll before a registration, after DeleteAccessKey, and after the host was registered anew',
    async run(attackGround) {
      const ground = await prepared(attackGround);
      const { url, iam, people } = ground;
      const { arn, key } = await makesUser(ground, 'undead');
      const poll = () => hostClient(url, arn, key).pollHostCommand(undefined, false);
      await assert.rejects(poll(), { type: 'AccessDeniedException' });
      await people.call('RegisterOnPremisesInstance', { instanceName: 'undead', iamUserArn: arn });
      assert.equal(await poll(), null);
      await iam('DeleteAccessKey', { UserName: 'undead', AccessKeyId: key.accessKeyId });
      await assert.rejects(poll(), { type: 'UnrecognizedClientException' });
      assert.equal((await iam('DeleteUser', { UserName: 'undead' })).status, 200);
      await people.call('DeregisterOnPremisesInstance', { instanceName: 'undead' });
      await makesUser(ground, 'undead');
      await people.call('RegisterOnPremisesInstance', { instanceName: 'undead', iamUserArn: arn });
      await assert.rejects(poll(), { type: 'UnrecognizedClientException' });
    },
  },
  {
    promise: 'monitoring tells strangers only whether the server lives and is ready',
    name: 'strangers ask for figures, by every spelling, and a thousand times whether the server is ready',
    async run(attackGround) {
      const { url } = await prepared(attackGround);
      for (const path of [
        '/metrics',
        '//metrics',
        '/healthz/../metrics',
        '/%6detrics',
        '/metrics?x',
        '/readyz/metrics',
      ]) {
        const answer = await fetch(url + path);
        assert.ok(!(await answer.text()).includes('slipway_server_'), path);
        assert.notEqual(answer.status, 200, path);
      }
      for (let round = 0; round < 20; round += 1) {
        const asked = await Promise.all(Array.from({ length: 50 }, () => fetch(`${url}/readyz`)));
        for (const answer of asked) assert.equal(await answer.text(), 'ok\n');
      }
    },
  },
];
