/**
 * The calls of Terraform's AWS provider for its three CodeDeploy resources, replayed by the SDK: create, read, change, import, delete and tags.
 *
 * The provider compares each answer with its state, so an answer that says more or less makes a change in the next plan. `npm run test:docs`
 * runs the provider itself, on machines that have it.
 *
 * @see hashicorp/terraform-provider-aws 5.100, `internal/service/deploy`
 */
import {
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  DeleteApplicationCommand,
  DeleteDeploymentConfigCommand,
  DeleteDeploymentGroupCommand,
  GetApplicationCommand,
  GetDeploymentConfigCommand,
  GetDeploymentGroupCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateApplicationCommand,
  UpdateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type TestServer, testServer } from '../support/test-server.ts';

const ROLE = 'arn:aws:iam::000000000000:role/slipway';
const arnOf = (resource: string) => `arn:aws:codedeploy:us-east-1:000000000000:${resource}`;

let scratch: ScratchFolder;
let server: TestServer;
let sdk: CodeDeployClient;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  const credentials = await server.key('admin');
  sdk = new CodeDeployClient({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 1 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

describe('aws_codedeploy_app', () => {
  test('is created with tags, read, tagged anew, renamed and deleted; a later read says that it is gone', async () => {
    const created = await sdk.send(
      new CreateApplicationCommand({
        ...{ applicationName: 'shop', computePlatform: 'Server', tags: [{ Key: 'Team', Value: 'shop' }] },
      }),
    );
    const read = (applicationName: string) => sdk.send(new GetApplicationCommand({ applicationName }));
    expect((await read('shop')).application).toMatchObject({
      ...{ applicationId: created.applicationId, applicationName: 'shop', computePlatform: 'Server' },
      linkedToGitHub: false,
    });
    expect(await tagsOf('application:shop')).toEqual({ Team: 'shop' });

    // The provider tags by the old name, and renames afterwards.
    const ResourceArn = arnOf('application:shop');
    await sdk.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['Team'] }));
    await sdk.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'Cost', Value: '7' }] }));
    await sdk.send(new UpdateApplicationCommand({ applicationName: 'shop', newApplicationName: 'store' }));
    expect((await read('store')).application?.applicationId).toBe(created.applicationId);
    expect(await tagsOf('application:store')).toEqual({ Cost: '7' });

    await sdk.send(new DeleteApplicationCommand({ applicationName: 'store' }));
    await expect(read('store')).rejects.toMatchObject({ name: 'ApplicationDoesNotExistException' });
  });
});

describe('aws_codedeploy_deployment_config', () => {
  test('is created, read without members that it was not given, and deleted', async () => {
    const deploymentConfigName = 'careful';
    await sdk.send(
      new CreateDeploymentConfigCommand({
        ...{ deploymentConfigName, computePlatform: 'Server' },
        minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 75 },
      }),
    );
    const read = () => sdk.send(new GetDeploymentConfigCommand({ deploymentConfigName }));
    const { deploymentConfigInfo } = await read();
    expect(deploymentConfigInfo).toEqual({
      ...{ deploymentConfigId: expect.any(String), deploymentConfigName, computePlatform: 'Server' },
      ...{ createTime: expect.any(Date), minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 75 } },
    });
    await sdk.send(new DeleteDeploymentConfigCommand({ deploymentConfigName }));
    await expect(read()).rejects.toMatchObject({ name: 'DeploymentConfigDoesNotExistException' });
  });
});

describe('aws_codedeploy_deployment_group', () => {
  const names = { applicationName: 'site', deploymentGroupName: 'web' };
  const current = { applicationName: 'site', currentDeploymentGroupName: 'web', serviceRoleArn: ROLE };
  const read = async (deploymentGroupName = 'web') =>
    (await sdk.send(new GetDeploymentGroupCommand({ applicationName: 'site', deploymentGroupName })))
      .deploymentGroupInfo;

  beforeAll(async () => {
    await sdk.send(new CreateApplicationCommand({ applicationName: 'site' }));
    await sdk.send(
      new CreateDeploymentGroupCommand({
        ...{ ...names, serviceRoleArn: ROLE, deploymentConfigName: 'CodeDeployDefault.OneAtATime' },
        ...{ outdatedInstancesStrategy: 'UPDATE', tags: [{ Key: 'Team', Value: 'shop' }] },
        onPremisesInstanceTagFilters: [{ Key: 'Role', Type: 'KEY_AND_VALUE', Value: 'web' }],
        autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] },
      }),
    );
  });

  test('is read as it was created, with its tags, and found by both names for an import', async () => {
    expect(await read()).toMatchObject({
      ...{ ...names, deploymentGroupId: expect.any(String), computePlatform: 'Server', serviceRoleArn: ROLE },
      ...{ deploymentConfigName: 'CodeDeployDefault.OneAtATime', outdatedInstancesStrategy: 'UPDATE' },
      onPremisesInstanceTagFilters: [{ Key: 'Role', Type: 'KEY_AND_VALUE', Value: 'web' }],
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] },
      deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
    });
    expect(await tagsOf('deploymentgroup:site/web')).toEqual({ Team: 'shop' });
  });

  test('has its tag filters replaced, not joined, and a filter by a key alone may come with an empty value', async () => {
    const filter = (Value: string) => ({ Key: 'Role', Type: 'KEY_AND_VALUE' as const, Value });
    await sdk.send(
      new UpdateDeploymentGroupCommand({
        ...{ ...current, onPremisesInstanceTagFilters: [] },
        ec2TagSet: {
          ec2TagSetList: [[filter('web'), filter('front')], [{ Key: 'Zone', Type: 'KEY_ONLY', Value: '' }]],
        },
      }),
    );
    const group = await read();
    expect(group?.onPremisesInstanceTagFilters ?? []).toEqual([]);
    expect(group?.ec2TagSet?.ec2TagSetList?.map((list) => list.length).sort()).toEqual([1, 2]);
    await sdk.send(new UpdateDeploymentGroupCommand({ ...current, ec2TagSet: { ec2TagSetList: [] } }));
    expect((await read())?.ec2TagSet?.ec2TagSetList ?? []).toEqual([]);
  });

  test('loses its rollback, alarms and triggers when their blocks are taken out, and is read as if it never had them', async () => {
    const topic = 'arn:aws:sns:us-east-1:000000000000:releases';
    const trigger = { triggerName: 'failures', triggerTargetArn: topic, triggerEvents: ['DeploymentFailure' as const] };
    await sdk.send(new UpdateDeploymentGroupCommand({ ...current, triggerConfigurations: [trigger] }));
    expect((await read())?.triggerConfigurations).toEqual([trigger]);
    await sdk.send(
      new UpdateDeploymentGroupCommand({
        ...{ ...current, triggerConfigurations: [], autoRollbackConfiguration: { enabled: false, events: [] } },
        alarmConfiguration: { alarms: [], enabled: false, ignorePollAlarmFailure: false },
      }),
    );
    const group = await read();
    expect(group?.triggerConfigurations ?? []).toEqual([]);
    expect(group?.autoRollbackConfiguration?.enabled ?? false).toBe(false);
    expect(group?.autoRollbackConfiguration?.events ?? []).toEqual([]);
    expect(group?.alarmConfiguration?.enabled ?? false).toBe(false);
    expect(group?.alarmConfiguration?.alarms ?? []).toEqual([]);
  });

  test('is renamed and tagged, and a role alone changes nothing else', async () => {
    const before = await read();
    await sdk.send(new UpdateDeploymentGroupCommand({ ...current, newDeploymentGroupName: 'front' }));
    const ResourceArn = arnOf('deploymentgroup:site/front');
    await sdk.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['Team'] }));
    await sdk.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'Cost', Value: '7' }] }));
    expect(await read('front')).toEqual({ ...before, deploymentGroupName: 'front' });
    expect(await tagsOf('deploymentgroup:site/front')).toEqual({ Cost: '7' });
    await sdk.send(
      new UpdateDeploymentGroupCommand({
        ...current,
        currentDeploymentGroupName: 'front',
        newDeploymentGroupName: 'web',
      }),
    );
  });

  test('is deleted; a read says that the group is gone, and after the application that the application is', async () => {
    await sdk.send(new DeleteDeploymentGroupCommand(names));
    await expect(read()).rejects.toMatchObject({ name: 'DeploymentGroupDoesNotExistException' });
    await sdk.send(new DeleteApplicationCommand({ applicationName: 'site' }));
    await expect(read()).rejects.toMatchObject({ name: 'ApplicationDoesNotExistException' });
  });
});

async function tagsOf(resource: string): Promise<Record<string, string>> {
  const { Tags = [] } = await sdk.send(new ListTagsForResourceCommand({ ResourceArn: arnOf(resource) }));
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}
