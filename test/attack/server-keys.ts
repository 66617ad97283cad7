/** Attacks on keys: limited ones that reach for more, tokens that are used too often, secrets that are guessed. */
import assert from 'node:assert/strict';
import { enrolHost } from '../../src/protocol/management/enrol-host.ts';
import { parseToken } from '../../src/protocol/management/enrolment.ts';
import { systemClock } from '../../src/system/clock.ts';
import { handDrivenHost, type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { queryApi } from '../support/query-api.ts';
import { rawS3 } from '../support/raw-s3.ts';
import type { ControlServer } from '../support/slipway.ts';
import type { Attack } from './attack.ts';

const GUESSES = 400;

function adminOf({ url, env }: ControlServer) {
  const key = { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' };
  return { key, client: managementClient(url, key) };
}

function typeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: { type?: string }) => error.type ?? String(error),
  );
}

export const KEY_ATTACKS: readonly Attack[] = [
  {
    promise: 'a limited key reaches nothing beside its applications',
    name: 'a pipeline’s key that is limited to one application reaches for another at every door',
    async run(ground) {
      const server = await ground.sharedServer();
      const { client: admin, key: adminKey } = adminOf(server);
      for (const applicationName of ['limited-own', 'limited-bank'])
        await admin.call('CreateApplication', { applicationName });
      const target = '/revisions/limited-bank/secret';
      assert.equal((await rawS3(server.s3Url, adminKey)({ method: 'PUT', target, body: 'x' })).status, 200);
      const key = await admin.call('CreateAccessKey', { role: 'operator', scope: { applications: ['limited-own'] } });
      const client = managementClient(server.url, key);
      const bank = { applicationName: 'limited-bank' };
      const own = { applicationName: 'limited-own' };
      const stolen = { bucket: 'revisions', key: 'limited-bank/secret', bundleType: 'zip' } as const;
      const calls = [
        client.call('GetApplication', bank),
        client.call('DeleteApplication', bank),
        client.call('UpdateApplication', { ...own, newApplicationName: 'limited-bank-2' }),
        client.call('UpdateApplication', { ...bank, newApplicationName: 'limited-own' }),
        client.call('RegisterApplicationRevision', { ...own, revision: { revisionType: 'S3', s3Location: stolen } }),
        client.call('CreateAccessKey', { role: 'host', instanceName: 'any' }),
        client.call('CreateEnrolmentToken', {}),
        client.call('DescribeHosts', {}),
        client.call('CreateDeploymentGroup', {
          ...{ ...own, deploymentGroupName: 'g', serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
          onPremisesInstanceTagFilters: [{ Key: 'Role', Type: 'KEY_ONLY' }],
        }),
      ];
      assert.deepEqual(new Set(await Promise.all(calls.map(typeOf))), new Set(['AccessDeniedException']));
      assert.deepEqual((await client.call('ListApplications', {})).applications, ['limited-own']);
      const s3 = rawS3(server.s3Url, key);
      const copy = { 'x-amz-copy-source': 'revisions/limited-bank/secret' };
      for (const request of [
        { method: 'GET', target },
        { method: 'DELETE', target },
        { method: 'PUT', target: '/revisions/limited-own/copy', headers: copy },
        { method: 'GET', target: '/revisions?list-type=2&prefix=limited-' },
      ]) {
        assert.equal((await s3(request)).status, 403, `${request.method} ${request.target}`);
      }
      assert.equal((await queryApi(server.url, 'iam', key)('CreateUser', { UserName: 'any' })).status, 403);
    },
  },
  {
    promise: 'an enrolment token enrols so many hosts as it says',
    name: 'twenty machines enrol at the same moment with a token that has two uses left',
    async run(ground) {
      const server = await ground.sharedServer();
      const { token: text } = await adminOf(server).client.call('CreateEnrolmentToken', { uses: 2 });
      const token = parseToken(text);
      assert.ok(token !== null);
      const connection = { endpoint: server.url, clock: systemClock, proxyEnvironment: {} };
      const names = Array.from({ length: 20 }, (_, at) => `crowd-${at}`);
      const endings = await Promise.all(
        names.map((instanceName) => typeOf(enrolHost(connection, token, { instanceName }))),
      );
      assert.equal(endings.filter((ending) => ending === 'done').length, 2, endings.join(' '));
    },
  },
  {
    promise: 'guessing is slow, and a fleet behind the guesser’s address goes on',
    name: 'somebody guesses the secret of an operator’s key from the address of a host that polls',
    async run(ground) {
      const server = await ground.ownServer();
      const { client: admin } = adminOf(server);
      const host = await handDrivenHost(server.url, admin, 'beside', 'beside');
      assert.equal(await host.client.pollHostCommand(undefined, false), null);
      const { accessKeyId } = await admin.call('CreateAccessKey', { role: 'operator' });
      const guess: KeyPair = { accessKeyId, secretAccessKey: 'guess' };
      const client = managementClient(server.url, guess);
      const answers = new Map<string, number>();
      for (let at = 0; at < GUESSES; at += 20) {
        const some = Array.from({ length: 20 }, () => typeOf(client.call('ListApplications', {})));
        for (const type of await Promise.all(some)) answers.set(type, (answers.get(type) ?? 0) + 1);
      }
      assert.ok((answers.get('ThrottlingException') ?? 0) > GUESSES / 5, JSON.stringify([...answers]));
      assert.equal(await typeOf(host.client.pollHostCommand(undefined, false)), 'done');
      assert.equal(await typeOf(admin.call('ListApplications', {})), 'done');
    },
  },
];
