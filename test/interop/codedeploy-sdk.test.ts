/** The real AWS SDK as a client of the management API, and our own client as a host. */
import {
  AddTagsToOnPremisesInstancesCommand,
  BatchGetApplicationsCommand,
  BatchGetDeploymentGroupsCommand,
  BatchGetDeploymentTargetsCommand,
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  DeleteApplicationCommand,
  DeleteDeploymentConfigCommand,
  DeregisterOnPremisesInstanceCommand,
  GetApplicationCommand,
  GetApplicationRevisionCommand,
  GetDeploymentCommand,
  GetDeploymentConfigCommand,
  GetDeploymentGroupCommand,
  GetOnPremisesInstanceCommand,
  ListApplicationRevisionsCommand,
  ListApplicationsCommand,
  ListDeploymentConfigsCommand,
  ListDeploymentGroupsCommand,
  ListDeploymentsCommand,
  ListDeploymentTargetsCommand,
  ListOnPremisesInstancesCommand,
  RegisterApplicationRevisionCommand,
  RegisterOnPremisesInstanceCommand,
  RemoveTagsFromOnPremisesInstancesCommand,
  type RevisionLocation,
  StopDeploymentCommand,
  UpdateApplicationCommand,
  UpdateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEnvelope } from '../../src/protocol/envelope/open.ts';
import { createHostCommandClient, type HostCommandClient } from '../../src/protocol/host-command/client.ts';
import { parseSpecification } from '../../src/protocol/specification.ts';
import { systemClock } from '../../src/system/clock.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type TestServer, testServer } from '../support/test-server.ts';

const HOST_ARN = 'arn:aws:iam::000000000000:user/web-1';
const ROLE = 'arn:aws:iam::000000000000:role/any';
const REVISION = {
  revisionType: 'S3' as const,
  s3Location: { bucket: 'revisions', key: 'site.zip', bundleType: 'zip' as const, eTag: '"abc"' },
};

let scratch: ScratchFolder;
let server: TestServer;
let sdk: CodeDeployClient;
let host: HostCommandClient;

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  sdk = await sdkAs('admin');
  host = await hostClient(HOST_ARN);
});
afterAll(async () => {
  sdk.destroy();
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function sdkAs(role: 'admin' | 'operator' | 'viewer' | 'host'): Promise<CodeDeployClient> {
  const credentials = await server.key(role, role === 'host' ? 'arn:aws:iam::000000000000:user/other' : undefined);
  return new CodeDeployClient({ endpoint: server.url, region: 'us-east-1', credentials });
}

async function hostClient(hostArn: string, claimed = hostArn): Promise<HostCommandClient> {
  const credentials = await server.key('host', hostArn);
  return createHostCommandClient({
    ...{
      endpoint: server.url,
      region: 'us-east-1',
      hostIdentifier: claimed,
      agentVersion: 'TEST',
      enableAuthPolicy: false,
    },
    ...{ readTimeoutMs: 30_000, proxyUri: null, clock: systemClock, credentials: async () => credentials },
  });
}

async function makeGroup(
  applicationName: string,
  filters = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' as const }],
) {
  await sdk.send(new CreateApplicationCommand({ applicationName }));
  await sdk.send(
    new CreateDeploymentGroupCommand({
      ...{ applicationName, deploymentGroupName: 'production', serviceRoleArn: ROLE },
      onPremisesInstanceTagFilters: filters,
    }),
  );
}

describe('revisions of any source', () => {
  const commitId = '0123456789abcdef0123456789abcdef01234567';
  const eTag = `sha256:${'ab'.repeat(32)}`;
  const gitHubOf = (repository: string, commit = commitId) => ({
    revisionType: 'GitHub' as const,
    gitHubLocation: { repository, commitId: commit },
  });
  const s3Of = (bucket: string, eTagOf?: string) => ({
    revisionType: 'S3' as const,
    s3Location: { bucket, key: 'a/b.tgz', bundleType: 'tgz' as const, eTag: eTagOf },
  });

  test('are registered by addresses of git and of web servers, unless no host should fetch from them', async () => {
    const applicationName = 'sources';
    await sdk.send(new CreateApplicationCommand({ applicationName }));
    const register = (revision: RevisionLocation) =>
      sdk.send(new RegisterApplicationRevisionCommand({ applicationName, revision }));
    await register(gitHubOf('https://git.example.com/shop.git'));
    await register(gitHubOf('ssh://git@git.example.com/shop.git'));
    await register(s3Of('https://example.com', eTag));
    for (const refused of [
      gitHubOf('file:///etc'),
      gitHubOf('ext::sh -c id://x'),
      gitHubOf('https://git.example.com/shop.git', 'main'),
      s3Of('https://example.com'),
      s3Of('http://example.com', eTag),
    ]) {
      await expect(register(refused)).rejects.toMatchObject({ name: 'InvalidRevisionException' });
    }
  });
});

describe('applications', () => {
  test('are created, found, listed, renamed and deleted', async () => {
    const { applicationId } = await sdk.send(new CreateApplicationCommand({ applicationName: 'shop' }));
    const { application } = await sdk.send(new GetApplicationCommand({ applicationName: 'shop' }));
    expect(application).toMatchObject({ applicationId, computePlatform: 'Server', createTime: expect.any(Date) });
    expect((await sdk.send(new ListApplicationsCommand({}))).applications).toContain('shop');
    await sdk.send(new UpdateApplicationCommand({ applicationName: 'shop', newApplicationName: 'store' }));
    const { applicationsInfo } = await sdk.send(new BatchGetApplicationsCommand({ applicationNames: ['store'] }));
    expect(applicationsInfo).toMatchObject([{ applicationId }]);
    await sdk.send(new DeleteApplicationCommand({ applicationName: 'store' }));
    await sdk.send(new DeleteApplicationCommand({ applicationName: 'store' }));
    await expect(sdk.send(new GetApplicationCommand({ applicationName: 'store' }))).rejects.toMatchObject({
      name: 'ApplicationDoesNotExistException',
    });
  });

  test.each([
    [{ applicationName: 'has blanks' }, 'InvalidApplicationNameException'],
    [{ applicationName: '' }, 'ApplicationNameRequiredException'],
    [{ applicationName: 'x', computePlatform: 'Lambda' as const }, 'InvalidComputePlatformException'],
  ])('%j is refused with %s', async (input, name) => {
    await expect(sdk.send(new CreateApplicationCommand(input))).rejects.toMatchObject({ name });
  });

  test('page by page when there are more than a hundred', async () => {
    const names = Array.from({ length: 103 }, (_, n) => `page-${String(n).padStart(3, '0')}`);
    for (const applicationName of names) await sdk.send(new CreateApplicationCommand({ applicationName }));
    const first = await sdk.send(new ListApplicationsCommand({}));
    expect(first.applications).toHaveLength(100);
    const second = await sdk.send(new ListApplicationsCommand({ nextToken: first.nextToken }));
    expect([...(first.applications ?? []), ...(second.applications ?? [])]).toEqual(expect.arrayContaining(names));
    await expect(sdk.send(new ListDeploymentConfigsCommand({ nextToken: first.nextToken }))).rejects.toMatchObject({
      name: 'InvalidNextTokenException',
    });
    for (const applicationName of names) await sdk.send(new DeleteApplicationCommand({ applicationName }));
  });
});

describe('deployment configurations', () => {
  test('OneAtATime is shown as the service shows it', async () => {
    const { deploymentConfigInfo } = await sdk.send(
      new GetDeploymentConfigCommand({ deploymentConfigName: 'CodeDeployDefault.OneAtATime' }),
    );
    expect(deploymentConfigInfo).toMatchObject({
      deploymentConfigId: '00000000-0000-0000-0000-000000000001',
      minimumHealthyHosts: { type: 'MOST_CONCURRENCY', value: 1 },
    });
  });
  test('configurations of one’s own are made, and deleted only when nobody uses them', async () => {
    const deploymentConfigName = 'ThreeUp';
    await sdk.send(
      new CreateDeploymentConfigCommand({
        deploymentConfigName,
        minimumHealthyHosts: { type: 'HOST_COUNT', value: 3 },
      }),
    );
    expect((await sdk.send(new ListDeploymentConfigsCommand({}))).deploymentConfigsList).toContain(
      deploymentConfigName,
    );
    await sdk.send(new CreateApplicationCommand({ applicationName: 'configured' }));
    const group = {
      applicationName: 'configured',
      deploymentGroupName: 'g',
      serviceRoleArn: ROLE,
      deploymentConfigName,
    };
    await sdk.send(new CreateDeploymentGroupCommand(group));
    await expect(sdk.send(new DeleteDeploymentConfigCommand({ deploymentConfigName }))).rejects.toMatchObject({
      name: 'DeploymentConfigInUseException',
    });
    await sdk.send(new DeleteApplicationCommand({ applicationName: 'configured' }));
    await sdk.send(new DeleteDeploymentConfigCommand({ deploymentConfigName }));
  });
  test('a percentage of 100 is refused', async () => {
    const input = { deploymentConfigName: 'All', minimumHealthyHosts: { type: 'FLEET_PERCENT' as const, value: 100 } };
    await expect(sdk.send(new CreateDeploymentConfigCommand(input))).rejects.toMatchObject({
      name: 'InvalidMinimumHealthyHostValueException',
    });
  });
});

describe('deployment groups', () => {
  test('keep their id when they are renamed, echo what they were given, and clear what is cleared', async () => {
    await makeGroup('grouped');
    const ask = (deploymentGroupName: string) =>
      sdk.send(new GetDeploymentGroupCommand({ applicationName: 'grouped', deploymentGroupName }));
    const before = (await ask('production')).deploymentGroupInfo;
    expect(before).toMatchObject({
      deploymentConfigName: 'CodeDeployDefault.OneAtATime',
      serviceRoleArn: ROLE,
      onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }],
      deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
    });
    await sdk.send(
      new UpdateDeploymentGroupCommand({
        ...{ applicationName: 'grouped', currentDeploymentGroupName: 'production', newDeploymentGroupName: 'prod' },
        onPremisesInstanceTagFilters: [],
      }),
    );
    const after = (await ask('prod')).deploymentGroupInfo;
    expect(after).toMatchObject({ deploymentGroupId: before?.deploymentGroupId, onPremisesInstanceTagFilters: [] });
    const batch = new BatchGetDeploymentGroupsCommand({
      applicationName: 'grouped',
      deploymentGroupNames: ['prod', 'gone'],
    });
    expect(await sdk.send(batch)).toMatchObject({
      deploymentGroupsInfo: [{}],
      errorMessage: expect.stringContaining('gone'),
    });
    expect((await sdk.send(new ListDeploymentGroupsCommand({ applicationName: 'grouped' }))).deploymentGroups).toEqual([
      'prod',
    ]);
  });

  test('cannot do what this server does not do', async () => {
    await sdk.send(new CreateApplicationCommand({ applicationName: 'fancy' }));
    const group = { applicationName: 'fancy', deploymentGroupName: 'g', serviceRoleArn: ROLE };
    const style = { deploymentType: 'BLUE_GREEN' as const, deploymentOption: 'WITH_TRAFFIC_CONTROL' as const };
    await expect(
      sdk.send(new CreateDeploymentGroupCommand({ ...group, deploymentStyle: style })),
    ).rejects.toMatchObject({ name: 'InvalidBlueGreenDeploymentConfigurationException' });
    await expect(sdk.send(new CreateDeploymentGroupCommand({ ...group, serviceRoleArn: '' }))).rejects.toMatchObject({
      name: 'RoleRequiredException',
    });
  });
});

describe('on-premises instances', () => {
  test('are registered, tagged, found by tag, untagged and deregistered', async () => {
    const instanceName = 'db-1';
    await sdk.send(
      new RegisterOnPremisesInstanceCommand({ instanceName, iamUserArn: 'arn:aws:iam::000000000000:user/db-1' }),
    );
    await sdk.send(
      new AddTagsToOnPremisesInstancesCommand({ instanceNames: [instanceName], tags: [{ Key: 'Role', Value: 'db' }] }),
    );
    const { instanceInfo } = await sdk.send(new GetOnPremisesInstanceCommand({ instanceName }));
    expect(instanceInfo).toMatchObject({
      tags: [{ Key: 'Role', Value: 'db' }],
      instanceArn: expect.stringMatching(/:instance\/db-1_\w{10}$/),
    });
    const byTag = new ListOnPremisesInstancesCommand({
      tagFilters: [{ Key: 'Role', Type: 'KEY_ONLY' }],
      registrationStatus: 'Registered',
    });
    expect((await sdk.send(byTag)).instanceNames).toEqual(['db-1']);
    await sdk.send(
      new RemoveTagsFromOnPremisesInstancesCommand({
        instanceNames: [instanceName],
        tags: [{ Key: 'Role', Value: 'db' }],
      }),
    );
    expect((await sdk.send(byTag)).instanceNames).toEqual([]);
    const again = new RegisterOnPremisesInstanceCommand({
      instanceName,
      iamUserArn: 'arn:aws:iam::000000000000:user/x',
    });
    await expect(sdk.send(again)).rejects.toMatchObject({ name: 'InstanceNameAlreadyRegisteredException' });
    await sdk.send(new DeregisterOnPremisesInstanceCommand({ instanceName }));
    expect((await sdk.send(new GetOnPremisesInstanceCommand({ instanceName }))).instanceInfo).toMatchObject({
      deregisterTime: expect.any(Date),
      tags: [],
    });
    await sdk.send(again);
  });
});

describe('a deployment', () => {
  test('goes through every event with a host that does its part, and shows what happened', async () => {
    await sdk.send(new RegisterOnPremisesInstanceCommand({ instanceName: 'web-1', iamUserArn: HOST_ARN }));
    await sdk.send(
      new AddTagsToOnPremisesInstancesCommand({ instanceNames: ['web-1'], tags: [{ Key: 'Role', Value: 'web' }] }),
    );
    await makeGroup('site');
    const waiting = host.pollHostCommand();
    const target = { applicationName: 'site', deploymentGroupName: 'production' };
    const { deploymentId = '' } = await sdk.send(
      new CreateDeploymentCommand({ ...target, revision: REVISION, fileExistsBehavior: 'OVERWRITE' }),
    );
    await expect(sdk.send(new CreateDeploymentCommand({ ...target, revision: REVISION }))).rejects.toMatchObject({
      name: 'DeploymentLimitExceededException',
      message: `The Deployment Group 'production' already has an active Deployment '${deploymentId}'`,
    });

    const seen: string[] = [];
    for (
      let command = await waiting;
      command !== null;
      command = seen.length === 7 ? null : await host.pollHostCommand()
    ) {
      seen.push(command.CommandName);
      expect(command.DeploymentExecutionId).toMatch(/^[^/]+\/[^/]+\/[^/]+\/.+$/);
      const { DeploymentSpecification } = await host.getDeploymentSpecification(command.DeploymentExecutionId);
      const json = await openEnvelope(DeploymentSpecification?.GenericEnvelope, {
        caCertificatePem: null,
        nowMs: Date.now(),
      });
      expect(parseSpecification(json)).toMatchObject({
        deploymentId,
        fileExistsBehavior: 'OVERWRITE',
        revision: { eTag: 'abc' },
      });
      const isNoop = command.CommandName === 'ApplicationStop';
      const status = await host.acknowledge(command.HostCommandIdentifier, isNoop);
      expect(status).toBe(isNoop ? 'Succeeded' : 'InProgress');
      if (isNoop) continue;
      const diagnostics = {
        errorCode: 0 as const,
        scriptName: '',
        message: 'Succeeded',
        log: `log of ${command.CommandName}`,
      };
      await host.complete(command.HostCommandIdentifier, { status: 'Succeeded', diagnostics });
      // A second report of the same command changes nothing.
      await host.complete(command.HostCommandIdentifier, {
        status: 'Failed',
        diagnostics: { ...diagnostics, errorCode: 4 },
      });
    }
    expect(seen).toEqual([
      'ApplicationStop',
      'DownloadBundle',
      'BeforeInstall',
      'Install',
      'AfterInstall',
      'ApplicationStart',
      'ValidateService',
    ]);

    const { deploymentInfo } = await sdk.send(new GetDeploymentCommand({ deploymentId }));
    expect(deploymentInfo).toMatchObject({
      status: 'Succeeded',
      creator: 'user',
      revision: REVISION,
      deploymentOverview: { Pending: 0, InProgress: 0, Succeeded: 1, Failed: 0, Skipped: 0, Ready: 0 },
      completeTime: expect.any(Date),
    });
    const { targetIds } = await sdk.send(new ListDeploymentTargetsCommand({ deploymentId }));
    expect(targetIds).toEqual(['web-1']);
    const { deploymentTargets } = await sdk.send(new BatchGetDeploymentTargetsCommand({ deploymentId, targetIds }));
    const events = deploymentTargets?.[0]?.instanceTarget?.lifecycleEvents ?? [];
    expect(events.map(({ status }) => status)).toEqual(Array(7).fill('Succeeded'));
    expect(events[3]).toMatchObject({
      lifecycleEventName: 'Install',
      diagnostics: { errorCode: 'Success', logTail: 'log of Install' },
    });
    const revisions = await sdk.send(
      new ListApplicationRevisionsCommand({ applicationName: 'site', deployed: 'include' }),
    );
    expect(revisions.revisions).toEqual([REVISION]);
    const revision = await sdk.send(new GetApplicationRevisionCommand({ applicationName: 'site', revision: REVISION }));
    expect(revision.revisionInfo).toMatchObject({
      deploymentGroups: ['production'],
      description: expect.stringContaining(deploymentId),
    });
    expect(
      (await sdk.send(new ListDeploymentsCommand({ ...target, includeOnlyStatuses: ['Succeeded'] }))).deployments,
    ).toEqual([deploymentId]);
    await expect(sdk.send(new StopDeploymentCommand({ deploymentId }))).rejects.toMatchObject({
      name: 'DeploymentAlreadyCompletedException',
    });
  });

  test('a deployment of mode RESTART deploys the group’s last successful revision without a word about it, or is refused with a reason', async () => {
    const restart = { applicationName: 'site', deploymentGroupName: 'production', deploymentMode: 'RESTART' as const };
    const refused = (input: object, name: string, words: string) =>
      expect(sdk.send(new CreateDeploymentCommand({ ...restart, ...input }))).rejects.toMatchObject({
        name,
        message: expect.stringContaining(words),
      });
    await refused({ revision: REVISION }, 'InvalidRevisionException', 'takes no revision');
    await refused({ updateOutdatedInstancesOnly: true }, 'InvalidUpdateOutdatedInstancesOnlyValueException', 'RESTART');
    await refused({ deploymentMode: 'OTHER' }, 'InvalidInputException', 'STANDARD or RESTART');
    await makeGroup('never-deployed');
    await refused({ applicationName: 'never-deployed' }, 'RevisionRequiredException', 'nothing to restart');

    const last = await sdk.send(new ListDeploymentsCommand({ ...restart, includeOnlyStatuses: ['Succeeded'] }));
    const { deploymentId = '' } = await sdk.send(new CreateDeploymentCommand(restart));
    const command = await host.pollHostCommand();
    const { DeploymentSpecification } = await host.getDeploymentSpecification(command?.DeploymentExecutionId ?? '');
    const json = await openEnvelope(DeploymentSpecification?.GenericEnvelope, {
      caCertificatePem: null,
      nowMs: Date.now(),
    });
    expect(parseSpecification(json)).toMatchObject({
      deploymentId,
      reuseArchiveFromDeploymentId: last.deployments?.[0],
      revision: { eTag: 'abc' },
    });
    const { deploymentInfo } = await sdk.send(new GetDeploymentCommand({ deploymentId }));
    expect(deploymentInfo).toMatchObject({ deploymentMode: 'RESTART', revision: REVISION });
    const before = await sdk.send(new GetDeploymentCommand({ deploymentId: last.deployments?.[0] }));
    expect(before.deploymentInfo).not.toHaveProperty('deploymentMode');
    await sdk.send(new StopDeploymentCommand({ deploymentId }));
  });

  test('a deployment to a group without hosts fails with NO_INSTANCES', async () => {
    await makeGroup('lonely', [{ Key: 'Role', Value: 'nobody', Type: 'KEY_AND_VALUE' }]);
    const target = { applicationName: 'lonely', deploymentGroupName: 'production' };
    const { deploymentId } = await sdk.send(new CreateDeploymentCommand({ ...target, revision: REVISION }));
    const { deploymentInfo } = await sdk.send(new GetDeploymentCommand({ deploymentId }));
    expect(deploymentInfo).toMatchObject({ status: 'Failed', errorInformation: { code: 'NO_INSTANCES' } });
  });

  test('a deployment that is stopped takes back what the host has not begun', async () => {
    const target = { applicationName: 'site', deploymentGroupName: 'production' };
    const { deploymentId } = await sdk.send(new CreateDeploymentCommand({ ...target, revision: REVISION }));
    const command = await host.pollHostCommand();
    expect(await sdk.send(new StopDeploymentCommand({ deploymentId }))).toMatchObject({ status: 'Succeeded' });
    expect(await host.acknowledge(command?.HostCommandIdentifier ?? '', false)).toBe('Failed');
    const { deploymentInfo } = await sdk.send(new GetDeploymentCommand({ deploymentId }));
    expect(deploymentInfo).toMatchObject({ status: 'Stopped', errorInformation: { code: 'MANUAL_STOP' } });
  });
});

describe('who may do what', () => {
  test('an unknown key and a wrong secret are refused, each with its own type', async () => {
    const { accessKeyId } = await server.key('admin');
    const list = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      new CodeDeployClient({ endpoint: server.url, region: 'us-east-1', credentials }).send(
        new ListApplicationsCommand({}),
      );
    await expect(list({ accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' })).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
    await expect(list({ accessKeyId, secretAccessKey: 'wrong' })).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });

  test('a host’s key cannot call the management API', async () => {
    await expect((await sdkAs('host')).send(new ListApplicationsCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  test('a viewer may look and not touch; an operator may do both', async () => {
    const viewer = await sdkAs('viewer');
    await viewer.send(new ListApplicationsCommand({}));
    await expect(viewer.send(new CreateApplicationCommand({ applicationName: 'v' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    await (await sdkAs('operator')).send(new CreateApplicationCommand({ applicationName: 'by-operator' }));
  });

  test('a host cannot poll as another, nor touch another’s command or specification', async () => {
    const impostor = await hostClient('arn:aws:iam::000000000000:user/evil', HOST_ARN);
    await expect(impostor.pollHostCommand()).rejects.toMatchObject({ type: 'AccessDeniedException' });
    const evilArn = 'arn:aws:iam::000000000000:user/evil';
    const evil = await hostClient(evilArn);
    // Whose key was made, and whom nobody has registered, may do nothing and is told why.
    await expect(evil.pollHostCommand()).rejects.toThrow(/nobody has registered it/);
    await sdk.send(new RegisterOnPremisesInstanceCommand({ instanceName: 'evil', iamUserArn: evilArn }));
    const target = { applicationName: 'site', deploymentGroupName: 'production' };
    const { deploymentId } = await sdk.send(new CreateDeploymentCommand({ ...target, revision: REVISION }));
    const command = await host.pollHostCommand();
    await expect(evil.acknowledge(command?.HostCommandIdentifier ?? '', false)).rejects.toMatchObject({
      type: 'ClientException',
    });
    await expect(evil.getDeploymentSpecification(command?.DeploymentExecutionId ?? '')).rejects.toMatchObject({
      type: 'ClientException',
    });
    await sdk.send(new StopDeploymentCommand({ deploymentId }));
  });

  test('people cannot act as hosts', async () => {
    const credentials = await server.key('admin');
    const client = createHostCommandClient({
      ...{
        endpoint: server.url,
        region: 'us-east-1',
        hostIdentifier: HOST_ARN,
        agentVersion: 'TEST',
        enableAuthPolicy: false,
      },
      ...{ readTimeoutMs: 5_000, proxyUri: null, clock: systemClock, credentials: async () => credentials },
    });
    await expect(client.pollHostCommand()).rejects.toMatchObject({ type: 'AccessDeniedException' });
  });
});

describe('requests that are wrong', () => {
  test('requests without a signature, with no target, or to another path are refused in the words of the API', async () => {
    const post = (headers: Record<string, string>, path = '/') =>
      fetch(server.url + path, { method: 'POST', headers, body: '{' });
    const unsigned = await post({ 'x-amz-target': 'CodeDeploy_20141006.ListApplications' });
    expect(await unsigned.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
    const unknown = await post({ 'x-amz-target': 'CodeDeploy_20141006' });
    expect(await unknown.json()).toMatchObject({ __type: 'UnknownOperationException' });
    // Another path is one of the S3 API at the same address, which refuses what is not signed.
    expect((await post({}, '/other')).status).toBe(403);
    expect((await fetch(server.url)).status).toBe(200);
  });
});
