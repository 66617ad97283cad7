import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createManagementClient } from '../../../src/protocol/management/client.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { suiteDatabase } from '../../support/suite-database.ts';
import { testServer } from '../../support/test-server.ts';

const SITE = { applicationName: 'site' };
const GROUP = { ...SITE, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' };
const TAGS = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' as const }];
const REVISION = {
  revisionType: 'S3',
  s3Location: { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' },
} as const;
const WITH = { deploymentType: 'IN_PLACE', deploymentOption: 'WITH_TRAFFIC_CONTROL' } as const;
const WITHOUT = { ...WITH, deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' } as const;

test('a group with load balancers is made, shown and deployed to with their events, and is none without a name that the server knows', async () => {
  using scratch = scratchFolder();
  const loadBalancersFile = scratch.at('balancers.yml');
  writeFileSync(loadBalancersFile, 'front: { kind: script, command: [/bin/true] }\n');
  const database = suiteDatabase(scratch.at('data'));
  const connect = async (server: Awaited<ReturnType<typeof testServer>>) => {
    const credentials = await server.key('admin');
    const connection = { endpoint: server.url, region: 'us-east-1', credentials: async () => credentials };
    return createManagementClient({ ...connection, clock: systemClock });
  };
  const front = { elbInfoList: [{ name: 'front' }] };
  {
    await using server = await testServer(scratch.at('data'), database, undefined, { loadBalancersFile });
    const client = await connect(server);
    await client.call('CreateApplication', SITE);
    const make = (deploymentGroupName: string, settings: object) =>
      client.call('CreateDeploymentGroup', {
        ...{ ...GROUP, deploymentGroupName, onPremisesInstanceTagFilters: TAGS, ...settings },
      });
    for (const settings of [
      { deploymentStyle: WITH },
      { deploymentStyle: WITH, loadBalancerInfo: { elbInfoList: [] } },
      { loadBalancerInfo: { targetGroupInfoList: [{ name: 'back' }] } },
      { deploymentStyle: WITH, loadBalancerInfo: { elbInfoList: [{ name: 'front' }, {}] } },
    ]) {
      await expect(make('bad', settings)).rejects.toMatchObject({ type: 'InvalidLoadBalancerInfoException' });
    }
    await make('web', { deploymentStyle: WITH, loadBalancerInfo: front });
    const ofGroup = { ...SITE, deploymentGroupName: 'web' };
    expect((await client.call('GetDeploymentGroup', ofGroup)).deploymentGroupInfo).toMatchObject({
      ...{ deploymentStyle: WITH, loadBalancerInfo: front },
    });
    const change = { ...SITE, currentDeploymentGroupName: 'web' };
    await expect(client.call('UpdateDeploymentGroup', { ...change, loadBalancerInfo: {} })).rejects.toMatchObject({
      type: 'InvalidLoadBalancerInfoException',
    });
    const { deploymentId = '' } = await client.call('CreateDeployment', { ...ofGroup, revision: REVISION });
    // What the group is changed to afterwards, a deployment does not notice.
    await client.call('UpdateDeploymentGroup', { ...change, deploymentStyle: WITHOUT, loadBalancerInfo: {} });
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    expect(deploymentInfo).toMatchObject({ deploymentStyle: WITH, loadBalancerInfo: front });
    expect((await client.call('GetDeploymentGroup', ofGroup)).deploymentGroupInfo?.deploymentStyle).toEqual(WITHOUT);
    await client.call('UpdateDeploymentGroup', { ...change, deploymentStyle: WITH, loadBalancerInfo: front });
  }
  // The file is gone: nothing is deployed past a balancer that nobody can reach, and other changes are taken.
  await using server = await testServer(scratch.at('data'), database);
  const client = await connect(server);
  await expect(
    client.call('CreateDeployment', { ...SITE, deploymentGroupName: 'web', revision: REVISION }),
  ).rejects.toMatchObject({ type: 'InvalidLoadBalancerInfoException', message: expect.stringContaining('front') });
  const change = { ...SITE, currentDeploymentGroupName: 'web' };
  await client.call('UpdateDeploymentGroup', { ...change, deploymentConfigName: 'CodeDeployDefault.AllAtOnce' });
});

test('the wait for a host that is to leave its load balancer names the call that was made last and what was answered', async () => {
  using scratch = scratchFolder();
  const loadBalancersFile = scratch.at('balancers.yml');
  const slow = `front: { kind: script, command: [/bin/sh, -c, 'echo {\\"state\\": \\"draining\\", \\"message\\": \\"7 left\\"}'] }\n`;
  writeFileSync(loadBalancersFile, slow);
  await using server = await testServer(scratch.at('data'), undefined, undefined, { loadBalancersFile });
  const client = managementClient(server.url, await server.key('admin'));
  const host = await handDrivenHost(server.url, client, 'web-1', 'web');
  await client.call('CreateApplication', SITE);
  await client.call('CreateDeploymentGroup', {
    ...{ ...GROUP, deploymentGroupName: 'web', onPremisesInstanceTagFilters: TAGS },
    ...{ deploymentStyle: WITH, loadBalancerInfo: { elbInfoList: [{ name: 'front' }] } },
  });
  const deployment = { ...SITE, deploymentGroupName: 'web', revision: REVISION };
  const { deploymentId = '' } = await client.call('CreateDeployment', deployment);
  const before = await host.command();
  await host.client.acknowledge(before.HostCommandIdentifier, false);
  const diagnostics = { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' } as const;
  await host.client.complete(before.HostCommandIdentifier, { status: 'Succeeded', diagnostics });
  await eventually(async () => {
    const { waits } = await client.call('DescribeDeploymentWaits', { deploymentId });
    return waits[0]?.lastCall !== undefined;
  });
  expect((await client.call('DescribeDeploymentWaits', { deploymentId })).waits).toMatchObject([
    {
      ...{ targetId: 'web-1', lifecycleEventName: 'BlockTraffic', reason: 'too-long' },
      ...{ lastCall: expect.stringMatching(/^front: \/bin\/sh .* block$/), lastAnswer: 'draining: 7 left' },
    },
  ]);
});
