import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createManagementClient } from '../../../src/protocol/management/client.ts';
import { TRIGGER_EVENTS } from '../../../src/protocol/management/trigger-events.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { answeringServer } from '../../support/http-server.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

const SITE = { applicationName: 'site' };
const GROUP = { ...SITE, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
const TAGS = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' as const }];
const S3 = { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } } as const;
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:releases';

test('triggers of a group are kept, shown, changed and cleared, and what they say arrives and is listed with its answer', async () => {
  using scratch = scratchFolder();
  await using chat = await answeringServer(({ body }) => ({ status: body.includes('site') ? 202 : 500, body: '' }));
  const webhooksFile = scratch.at('webhooks.yml');
  const settings = { url: chat.url, secret: 'a secret of a test' };
  writeFileSync(webhooksFile, JSON.stringify({ chat: settings, [TOPIC]: settings }));
  const metricsListen = { host: '127.0.0.1', port: 0 };
  await using server = await testServer(scratch.at('data'), undefined, undefined, { webhooksFile, metricsListen });
  const credentials = await server.key('admin');
  const connection = { endpoint: server.url, region: 'us-east-1', credentials: async () => credentials };
  const client = createManagementClient({ ...connection, clock: systemClock });
  await client.call('CreateApplication', SITE);
  const ofGroup = { ...SITE, deploymentGroupName: 'web' };
  const triggersOfGroup = async () =>
    (await client.call('GetDeploymentGroup', ofGroup)).deploymentGroupInfo?.triggerConfigurations;
  const change = { ...SITE, currentDeploymentGroupName: 'web' };
  const all = { triggerName: 'all', triggerTargetArn: 'chat', triggerEvents: [...TRIGGER_EVENTS] };
  const failures = { triggerName: 'failures', triggerTargetArn: TOPIC, triggerEvents: ['DeploymentFailure' as const] };

  const make = { ...GROUP, ...ofGroup, onPremisesInstanceTagFilters: TAGS, triggerConfigurations: [all, failures] };
  await client.call('CreateDeploymentGroup', make);
  expect(await triggersOfGroup()).toEqual([all, failures]);
  await client.call('UpdateDeploymentGroup', { ...change, deploymentConfigName: 'CodeDeployDefault.AllAtOnce' });
  expect(await triggersOfGroup()).toEqual([all, failures]);
  const twice = client.call('UpdateDeploymentGroup', { ...change, triggerConfigurations: [all, all] });
  await expect(twice).rejects.toMatchObject({ type: 'InvalidTriggerConfigException', message: /before it/ });
  const stranger = { ...all, triggerTargetArn: 'http://169.254.169.254/latest' };
  const unknown = client.call('UpdateDeploymentGroup', { ...change, triggerConfigurations: [stranger] });
  await expect(unknown).rejects.toMatchObject({ type: 'InvalidTriggerConfigException', message: /--webhooks/ });

  const { deploymentId = '' } = await client.call('CreateDeployment', { ...ofGroup, revision: S3 });
  await client.call('UpdateDeploymentGroup', { ...change, triggerConfigurations: [] });
  expect(await triggersOfGroup()).toEqual([]);
  // No host has the tag, so it fails; its triggers are those from before.
  const noticesOf = async (filter: object) => (await client.call('ListNotices', filter)).notices;
  await eventually(async () => (await noticesOf({ deploymentId, state: 'sent' })).length === 2);
  const event = 'DeploymentFailure';
  expect(await noticesOf({ state: 'sent' })).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ deploymentId, event, target: 'chat', trigger: 'all', lastAnswer: '202', tries: 1 }),
      expect.objectContaining({ deploymentId, event, target: TOPIC, trigger: 'failures', state: 'sent' }),
    ]),
  );
  expect(await noticesOf({ state: 'given-up' })).toEqual([]);
  expect(await noticesOf({ state: 'waiting' })).toEqual([]);
  await expect(client.call('ListNotices', { state: 'lost' as never })).rejects.toMatchObject({
    type: 'ValidationException',
  });
  expect(chat.received.map(({ headers }) => headers['x-amz-sns-topic-arn']).sort()).toEqual([TOPIC, 'chat']);
  const metrics = await (await fetch(`${server.metricsUrl}/metrics`, { headers: { connection: 'close' } })).text();
  expect(metrics).toContain('slipway_server_notices_total{result="sent"} 2');
  expect(metrics).toContain('slipway_server_notices_total{result="given-up"} 0');
});
