/** The names that groups can use for things outside the server. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

test('the server says what its names stand for and which groups use them, and no secret', async () => {
  using scratch = scratchFolder();
  const secret = 'a secret that nobody is shown';
  writeFileSync(
    scratch.at('balancers.yml'),
    `edge: { kind: webhook, url: 'https://user:${secret.replaceAll(' ', '')}@lb.example:8443/x?y=1', secret: '${secret}' }\n`,
  );
  writeFileSync(scratch.at('webhooks.yml'), `team: { url: 'https://chat.example/hooks/abc', secret: '${secret}' }\n`);
  const files = { loadBalancersFile: scratch.at('balancers.yml'), webhooksFile: scratch.at('webhooks.yml') };
  await using server = await testServer(scratch.at('data'), undefined, undefined, files);
  const client = managementClient(server.url, await server.key('operator'));
  await client.call('CreateApplication', { applicationName: 'shop' });
  await client.call('CreateDeploymentGroup', {
    ...{ applicationName: 'shop', deploymentGroupName: 'web', serviceRoleArn: 'arn:aws:iam::000000000000:role/r' },
    deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    loadBalancerInfo: { targetGroupInfoList: [{ name: 'edge' }] },
    alarmConfiguration: { enabled: false, alarms: [{ name: 'gone' }] },
  });

  const settings = await managementClient(server.url, await server.key('viewer')).call('DescribeServerSettings', {});

  const usedBy = [{ applicationName: 'shop', deploymentGroupName: 'web' }];
  expect(settings).toEqual({
    asksAws: false,
    loadBalancers: [
      { name: 'edge', isConfigured: true, kind: 'webhook', place: 'https://lb.example:8443', usedBy, usedByCount: 1 },
    ],
    alarms: [{ name: 'gone', isConfigured: false, usedBy, usedByCount: 1 }],
    noticeTargets: [
      { name: 'team', isConfigured: true, kind: 'webhook', place: 'https://chat.example', usedBy: [], usedByCount: 0 },
    ],
  });
});
