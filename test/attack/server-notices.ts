/** Attacks on triggers: callers who choose where the server sends, receivers that mislead, hold or forget it, and kills in the middle. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../support/http-server.ts';
import { type ControlServer, runSlipway, startControlServer } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const OWN_PLACES = 'the server sends notices to nobody but those whom its own files name';
const NEVER_LOST = 'a notice is sent until it is taken or given up by name, and no deployment waits for one';
const SECRET = 'a secret of an attack';

function write(ground: AttackGround, urls: Readonly<Record<string, string>>): readonly string[] {
  const file = join(ground.folder, 'webhooks.yml');
  const hooks = Object.entries(urls).map(([name, url]) => [name, { url, secret: SECRET }] as const);
  writeFileSync(file, JSON.stringify(Object.fromEntries(hooks)));
  return ['--webhooks', file];
}

function adminOf({ url, env }: ControlServer): ManagementClient {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env;
  return managementClient(url, { accessKeyId, secretAccessKey });
}

/** A deployment of a group without hosts: it ends as Failed at once, which its trigger tells of. @returns its id */
async function failingDeployment(admin: ManagementClient, target: string): Promise<string> {
  await admin.call('CreateApplication', { applicationName: 'told' });
  const group = { applicationName: 'told', deploymentGroupName: 'none' };
  await admin.call('CreateDeploymentGroup', {
    ...{ ...group, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    onPremisesInstanceTagFilters: [{ Key: 'Nobody', Value: 'has it', Type: 'KEY_AND_VALUE' }],
    triggerConfigurations: [{ triggerName: 't', triggerTargetArn: target, triggerEvents: ['DeploymentFailure'] }],
  });
  const s3Location = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } as const;
  const { deploymentId = '' } = await admin.call('CreateDeployment', {
    ...{ ...group, revision: { revisionType: 'S3', s3Location } },
  });
  return deploymentId;
}

async function hasEnded(admin: ManagementClient, deploymentId: string): Promise<boolean> {
  return (await admin.call('GetDeployment', { deploymentId })).deploymentInfo?.status === 'Failed';
}

const messageIds = (received: readonly ReceivedRequest[]) =>
  received.map(({ headers }) => headers['x-amz-sns-message-id'] ?? '');

export const NOTICE_ATTACKS: readonly Attack[] = [
  {
    promise: OWN_PLACES,
    name: 'a caller names addresses, files and odd ARNs as targets of triggers',
    async run(ground) {
      await using inner = await answeringServer(() => ({}));
      const server = await ground.ownServer(write(ground, { chat: `${inner.url}/chat` }));
      const admin = adminOf(server);
      const port = new URL(inner.url).port;
      for (const [index, target] of [
        ...[inner.url, 'http://169.254.169.254/latest/meta-data', 'file:///etc/passwd', 'CHAT', 'chat ', '__proto__'],
        ...[
          'constructor',
          `arn:aws:sns:us-east-1.127.0.0.1:${port}:000000000000:a`,
          'arn:aws:sns:a/b-1:000000000000:a',
        ],
        ...['arn:aws:sns:us-east-1:000000000000:a/../b', `arn:aws:sns:x@127.0.0.1:${port}#-1:000000000000:a`],
      ].entries()) {
        await assert.rejects(
          failingDeployment({ ...admin, call: callInApplication(admin, `app-${index}`) }, target),
          { type: 'InvalidTriggerConfigException' },
          `${target} was taken`,
        );
      }
      assert.deepEqual(inner.received, [], 'something was sent');
    },
  },
  {
    promise: OWN_PLACES,
    name: 'a receiver redirects the server to an address inside, and its secret is looked for',
    async run(ground) {
      await using inner = await answeringServer(() => ({}));
      await using outer = await answeringServer((_, index) => ({
        ...{ status: [301, 302, 303, 307, 308][index % 5] ?? 302, headers: { location: `${inner.url}/admin` } },
      }));
      const server = await ground.ownServer(write(ground, { chat: outer.url }));
      const admin = adminOf(server);
      const deploymentId = await failingDeployment(admin, 'chat');
      await eventually(async () => ((await admin.call('ListNotices', { deploymentId })).notices[0]?.tries ?? 0) > 0);
      assert.deepEqual(inner.received, [], 'the redirect was followed');
      const said = [
        (await runSlipway(['notices', '--deployment', deploymentId], server.env)).stdout,
        (await runSlipway(['groups', 'show', 'told/none', '--json'], server.env)).stdout,
        (await runSlipway(['audit', '--json'], server.env)).stdout,
        server.daemon.log(),
      ].join('\n');
      assert.match(said, /redirects are not followed/);
      assert.ok(!said.includes(SECRET), 'the secret of a webhook is shown');
    },
  },
  {
    promise: NEVER_LOST,
    name: 'a receiver never answers, and deployments end anyway',
    async run(ground) {
      await using silent = await answeringServer(() => new Promise<Answer>(() => undefined));
      const server = await ground.ownServer(write(ground, { chat: silent.url }));
      const admin = adminOf(server);
      const startedMs = performance.now();
      const deploymentId = await failingDeployment(admin, 'chat');
      await eventually(() => hasEnded(admin, deploymentId), { withinMs: 10_000 });
      assert.ok(performance.now() - startedMs < 10_000);
      await eventually(() => silent.received.length > 0);
      // It is not waited for at the end of the server either; the runner ends it.
    },
  },
  {
    promise: NEVER_LOST,
    name: 'the server is killed while a receiver has a notice and has not answered',
    async run(ground) {
      const got = Promise.withResolvers<void>();
      let isDying = true;
      await using chat = await answeringServer(() => {
        got.resolve();
        return isDying ? new Promise<Answer>(() => undefined) : {};
      });
      const args = write(ground, { chat: chat.url });
      const first = await startControlServer(join(ground.folder, 'killed'), undefined, args);
      ground.watch('server', first.daemon);
      const deploymentId = await failingDeployment(adminOf(first), 'chat');
      await got.promise;
      first.daemon.kill('SIGKILL');
      await first.daemon.exited;
      isDying = false;
      const second = await startControlServer(first.dataDir, first, args);
      ground.watch('server', second.daemon);
      const admin = adminOf(second);
      // The lease of the one that was killed is waited for.
      await eventually(async () => (await admin.call('ListNotices', { deploymentId })).notices[0]?.state === 'sent', {
        withinMs: 90_000,
        everyMs: 250,
      });
      const ids = messageIds(chat.received);
      assert.equal(ids.length, 2, `it came ${ids.length} times`);
      assert.equal(new Set(ids).size, 1, 'the repetition has another id');
    },
    limitSeconds: 120,
  },
];

/** So that each try has an application of its own. */
function callInApplication(admin: ManagementClient, applicationName: string): ManagementClient['call'] {
  return (operation, input, signal) => admin.call(operation, { ...input, applicationName } as typeof input, signal);
}
