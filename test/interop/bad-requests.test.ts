/**
 * A faulty request is answered with the API's own exception for it. The real AWS SDK sends the request if it can say such things; else it
 * is signed by hand. On both databases: what one of them cannot keep must be refused before.
 */
import {
  BatchGetDeploymentTargetsCommand,
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  DeleteApplicationCommand,
  GetDeploymentGroupCommand,
  ListDeploymentsCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UpdateApplicationCommand,
  UpdateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManagementClient, type ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../src/protocol/management/shapes.ts';
import { systemClock } from '../../src/system/clock.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { describeStores, type TestDatabase } from '../support/stores.ts';
import { type TestServer, testServer } from '../support/test-server.ts';

const GROUP = {
  ...{ applicationName: 'site', deploymentGroupName: 'g' },
  serviceRoleArn: 'arn:aws:iam::000000000000:role/any',
};
const FILTER = { Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' as const };
const S3 = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' };
const NUL = '\0';

describeStores('requests that are wrong', (kind) => {
  let scratch: ScratchFolder;
  let database: TestDatabase;
  let server: TestServer;
  let sdk: CodeDeployClient;
  let raw: ManagementClient;

  beforeAll(async () => {
    scratch = scratchFolder();
    database = await kind.create();
    const { location } = database;
    server = await testServer(scratch.at('data'), 'databaseUrl' in location ? location.databaseUrl : undefined);
    const credentials = await server.key('admin');
    const connection = { endpoint: server.url, region: 'us-east-1' };
    sdk = new CodeDeployClient({ ...connection, credentials });
    raw = createManagementClient({ ...connection, credentials: async () => credentials, clock: systemClock });
    await sdk.send(new CreateApplicationCommand({ applicationName: 'site' }));
  });
  afterAll(async () => {
    sdk.destroy();
    await server[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  test.each<[ManagementOperation, object, string]>([
    ['CreateDeploymentGroup', { ...GROUP, autoScalingGroups: 'asg' }, 'SerializationException'],
    ['CreateDeploymentGroup', { ...GROUP, autoScalingGroups: [{}] }, 'SerializationException'],
    ['CreateDeploymentGroup', { ...GROUP, autoScalingGroups: [''] }, 'InvalidAutoScalingGroupException'],
    ['CreateDeploymentGroup', { ...GROUP, loadBalancerInfo: [] }, 'SerializationException'],
    ['CreateDeploymentGroup', { ...GROUP, outdatedInstancesStrategy: 'MAYBE' }, 'InvalidInputException'],
    ['CreateDeploymentGroup', { ...GROUP, terminationHookEnabled: 'yes' }, 'SerializationException'],
    [
      'CreateDeploymentGroup',
      { ...GROUP, blueGreenDeploymentConfiguration: { deploymentReadyOption: {} } },
      'InvalidBlueGreenDeploymentConfigurationException',
    ],
    [
      'CreateDeploymentGroup',
      { ...GROUP, triggerConfigurations: [{ triggerName: 't', triggerTargetArn: 'arn', triggerEvents: ['Later'] }] },
      'InvalidTriggerConfigException',
    ],
    [
      'CreateDeploymentGroup',
      { ...GROUP, onPremisesTagSet: { onPremisesTagSetList: [Array(11).fill(FILTER)] } },
      'TagSetListLimitExceededException',
    ],
    [
      'CreateDeploymentGroup',
      { ...GROUP, onPremisesInstanceTagFilters: [FILTER], onPremisesTagSet: { onPremisesTagSetList: [[FILTER]] } },
      'InvalidOnPremisesTagCombinationException',
    ],
    ['CreateDeploymentGroup', { ...GROUP, serviceRoleArn: `arn:${NUL}` }, 'SerializationException'],
    [
      'CreateDeploymentConfig',
      { deploymentConfigName: 'many', minimumHealthyHosts: { type: 'HOST_COUNT', value: 2 ** 31 } },
      'InvalidMinimumHealthyHostValueException',
    ],
    [
      'CreateDeploymentConfig',
      { deploymentConfigName: 'shift', trafficRoutingConfig: { type: 'AllAtOnce' } },
      'InvalidTrafficRoutingConfigurationException',
    ],
    ['ListApplicationRevisions', { applicationName: 'site', sortBy: 'constructor' }, 'InvalidSortByException'],
    ['ListApplicationRevisions', { applicationName: 'site', s3Bucket: '' }, 'InvalidBucketNameFilterException'],
    ['ListDeployments', { createTimeRange: { start: 1e300 } }, 'InvalidTimeRangeException'],
    ['ListDeployments', { createTimeRange: { start: 'monday' } }, 'InvalidTimeRangeException'],
    ['ListDeployments', { createTimeRange: { start: 2, end: 1 } }, 'InvalidTimeRangeException'],
    [
      'RegisterApplicationRevision',
      { applicationName: 'site', revision: { revisionType: 'S3', s3Location: { ...S3, key: NUL } } },
      'SerializationException',
    ],
    [
      'RegisterApplicationRevision',
      { applicationName: 'site', description: 'x'.repeat(257) },
      'RevisionRequiredException',
    ],
    // What is missing or malformed comes before what does not exist.
    ['GetDeploymentTarget', { deploymentId: 'd-000000000' }, 'DeploymentTargetIdRequiredException'],
    ['GetDeploymentTarget', { deploymentId: 'd-000000000', targetId: 'x' }, 'DeploymentDoesNotExistException'],
    [
      'ListDeploymentTargets',
      { deploymentId: 'd-000000000', targetFilters: { Mood: ['good'] } },
      'InvalidTargetFilterNameException',
    ],
    [
      'ListDeploymentInstances',
      { deploymentId: 'd-000000000', instanceStatusFilter: ['Gone'] },
      'InvalidInstanceStatusException',
    ],
    ['GetDeploymentInstance', { deploymentId: 'nonsense', instanceId: 'x' }, 'InvalidDeploymentIdException'],
    ['CreateDeployment', { applicationName: 'site', deploymentGroupName: 'g' }, 'RevisionRequiredException'],
  ])('%s with %j is refused with %s', async (operation, input, type) => {
    const answer = raw.call(operation, input as never);
    await expect(answer).rejects.toMatchObject({ type, status: 400 });
  });

  test('targets are asked for twenty-five at a time', async () => {
    const targetIds = Array.from({ length: 26 }, (_, n) => `web-${n}`);
    const tooMany = new BatchGetDeploymentTargetsCommand({ deploymentId: 'd-000000000', targetIds });
    await expect(sdk.send(tooMany)).rejects.toMatchObject({ name: 'DeploymentTargetListSizeExceededException' });
  });

  test('an empty form of tags beside a filled one does not empty the group', async () => {
    const group = { ...GROUP, deploymentGroupName: 'both' };
    const onPremisesTagSet = { onPremisesTagSetList: [] };
    await sdk.send(
      new CreateDeploymentGroupCommand({ ...group, onPremisesInstanceTagFilters: [FILTER], onPremisesTagSet }),
    );
    const show = () =>
      sdk.send(new GetDeploymentGroupCommand({ applicationName: 'site', deploymentGroupName: 'both' }));
    expect((await show()).deploymentGroupInfo).toMatchObject({ onPremisesInstanceTagFilters: [FILTER] });
    await sdk.send(
      new UpdateDeploymentGroupCommand({
        ...{ applicationName: 'site', currentDeploymentGroupName: 'both', onPremisesInstanceTagFilters: [] },
        onPremisesTagSet: { onPremisesTagSetList: [[FILTER], [FILTER]] },
      }),
    );
    const { deploymentGroupInfo } = await show();
    expect(deploymentGroupInfo?.onPremisesTagSet).toEqual({ onPremisesTagSetList: [[FILTER], [FILTER]] });
    expect(deploymentGroupInfo?.onPremisesInstanceTagFilters).toEqual([]);
  });

  test('one of many that make the same application at once succeeds, and the others hear that it exists', async () => {
    const made = await Promise.allSettled(
      Array.from({ length: 8 }, () => sdk.send(new CreateApplicationCommand({ applicationName: 'wanted' }))),
    );
    const refused = made.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).name] : []));
    expect(refused).toEqual(Array(7).fill('ApplicationAlreadyExistsException'));
  });

  test('tags follow a name that changes, and are gone with what had them', async () => {
    const arn = (resource: string) => `arn:aws:codedeploy:us-east-1:000000000000:${resource}`;
    const tagsOf = async (resource: string) =>
      (await sdk.send(new ListTagsForResourceCommand({ ResourceArn: arn(resource) }))).Tags;
    const tags = [{ Key: 'Team', Value: 'web' }];
    await sdk.send(new CreateApplicationCommand({ applicationName: 'tagged', tags }));
    await sdk.send(new CreateDeploymentGroupCommand({ ...GROUP, applicationName: 'tagged', tags }));
    await sdk.send(new UpdateApplicationCommand({ applicationName: 'tagged', newApplicationName: 'renamed' }));
    expect(await tagsOf('application:renamed')).toEqual(tags);
    expect(await tagsOf('deploymentgroup:renamed/g')).toEqual(tags);
    expect(await tagsOf('application:tagged')).toEqual([]);
    await sdk.send(new DeleteApplicationCommand({ applicationName: 'renamed' }));
    await sdk.send(new CreateApplicationCommand({ applicationName: 'renamed' }));
    expect(await tagsOf('application:renamed')).toEqual([]);
    await expect(
      sdk.send(new TagResourceCommand({ ResourceArn: arn('application:nobody'), Tags: tags })),
    ).rejects.toMatchObject({ name: 'ApplicationDoesNotExistException' });
    await expect(
      sdk.send(new TagResourceCommand({ ResourceArn: arn('deploymentgroup:site/none'), Tags: tags })),
    ).rejects.toMatchObject({ name: 'DeploymentGroupDoesNotExistException' });
  });

  test('a deployment is found by a range of times whatever their decimals, the ends included', async () => {
    await sdk.send(new CreateApplicationCommand({ applicationName: 'timed' }));
    await sdk.send(new CreateDeploymentGroupCommand({ ...GROUP, applicationName: 'timed' }));
    const target = { applicationName: 'timed', deploymentGroupName: 'g' };
    const revision = { revisionType: 'S3' as const, s3Location: { ...S3, bundleType: 'zip' as const } };
    const { deploymentId = '' } = await sdk.send(new CreateDeploymentCommand({ ...target, revision }));
    const { deploymentInfo } = await raw.call('GetDeployment', { deploymentId });
    const at = deploymentInfo?.createTime ?? 0;
    for (const [start, end] of [
      [at, at],
      [at - 0.0004, at + 0.0004],
      [at - 1 / 3, at + 1 / 3],
    ] as const) {
      const { deployments } = await raw.call('ListDeployments', { ...target, createTimeRange: { start, end } });
      expect(deployments).toEqual([deploymentId]);
    }
    const later = new ListDeploymentsCommand({ ...target, createTimeRange: { start: new Date(at * 1000 + 1) } });
    expect((await sdk.send(later)).deployments).toEqual([]);
  });

  test('a custom minimum is kept and shown', async () => {
    const deploymentConfigName = 'Most';
    const minimumHealthyHosts = { type: 'HOST_COUNT' as const, value: 2 ** 31 - 1 };
    await sdk.send(new CreateDeploymentConfigCommand({ deploymentConfigName, minimumHealthyHosts }));
    const { deploymentConfigInfo } = await raw.call('GetDeploymentConfig', { deploymentConfigName });
    expect(deploymentConfigInfo).toMatchObject({ minimumHealthyHosts });
  });
});
