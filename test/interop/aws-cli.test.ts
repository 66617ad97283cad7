/** The real AWS command line, unmodified, against a server with a real agent. */
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AWS } from '../support/aws-cli.ts';
import { describeIf } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

describeIf(AWS !== null, 'the AWS command line, aws')('aws deploy', () => {
  let scratch: ScratchFolder;
  let server: ControlServer;
  let agent: AsyncDisposable;

  beforeAll(async () => {
    scratch = scratchFolder();
    server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    agent = host.startAgent();
    await runSlipway(['applications', 'create', 'site'], server.env);
    const group = ['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'];
    expect(await runSlipway(group, server.env)).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  async function aws(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout } = await execa(AWS ?? '', ['deploy', ...args, '--endpoint-url', server.url, '--output', 'json'], {
      env: {
        ...server.env,
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_PAGER: '',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      },
    });
    return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
  }

  test('lists and shows applications', async () => {
    expect(await aws('list-applications')).toEqual({ applications: ['site'] });
    expect(await aws('get-application', '--application-name', 'site')).toMatchObject({
      application: { computePlatform: 'Server' },
    });
  });

  test('creates a deployment, waits for it, and shows its targets', async () => {
    const folder = writeRevision(scratch.at('revision'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'x' },
    });
    const pushed = await runSlipway(['push', folder, '--application', 'site', '--json'], server.env);
    const revision = JSON.parse(pushed.stdout) as { s3Location: { bucket: string; key: string; eTag: string } };
    const { bucket, key, eTag } = revision.s3Location;
    const created = await aws(
      ...['create-deployment', '--application-name', 'site', '--deployment-group-name', 'test'],
      ...['--s3-location', `bucket=${bucket},key=${key},bundleType=zip,eTag=${eTag}`],
    );
    const deploymentId = String(created['deploymentId']);
    expect(deploymentId).toMatch(/^d-[A-Z0-9]{9}$/);
    await aws('wait', 'deployment-successful', '--deployment-id', deploymentId);
    expect(await aws('get-deployment', '--deployment-id', deploymentId)).toMatchObject({
      deploymentInfo: { status: 'Succeeded' },
    });
    expect(await aws('list-deployments')).toMatchObject({ deployments: [deploymentId] });
    expect(await aws('list-deployment-targets', '--deployment-id', deploymentId)).toEqual({ targetIds: ['web-1'] });
    const { deploymentTargets } = await aws(
      'batch-get-deployment-targets',
      '--deployment-id',
      deploymentId,
      '--target-ids',
      'web-1',
    );
    expect(deploymentTargets).toMatchObject([{ instanceTarget: { status: 'Succeeded', targetId: 'web-1' } }]);
    const stop = aws('stop-deployment', '--deployment-id', deploymentId);
    await expect(stop).rejects.toThrow(/DeploymentAlreadyCompletedException/);
  });

  test('sets triggers of a group, shows them, and has what they name refused where nobody is told', async () => {
    const group = ['--application-name', 'site', '--current-deployment-group-name', 'test'];
    const topic = 'arn:aws:sns:us-east-1:123456789012:releases';
    const trigger = (target: string) => [
      '--trigger-configurations',
      `triggerName=failures,triggerTargetArn=${target},triggerEvents=DeploymentFailure,DeploymentStop`,
    ];
    await aws('update-deployment-group', ...group, ...trigger(topic));
    const shown = ['get-deployment-group', '--application-name', 'site', '--deployment-group-name', 'test'];
    expect(await aws(...shown)).toMatchObject({
      deploymentGroupInfo: {
        triggerConfigurations: [
          { triggerName: 'failures', triggerTargetArn: topic, triggerEvents: ['DeploymentFailure', 'DeploymentStop'] },
        ],
      },
    });
    const nobody = aws('update-deployment-group', ...group, ...trigger('nobody'));
    await expect(nobody).rejects.toThrow(/InvalidTriggerConfigException/);
    await aws('update-deployment-group', ...group, '--trigger-configurations', '[]');
    expect(await aws(...shown)).toMatchObject({ deploymentGroupInfo: { triggerConfigurations: [] } });
  });

  test('registers an instance, tags it, and stops a deployment to it', async () => {
    const arn = 'arn:aws:iam::000000000000:user/by-hand';
    await aws('register-on-premises-instance', '--instance-name', 'by-hand', '--iam-user-arn', arn);
    await aws('add-tags-to-on-premises-instances', '--instance-names', 'by-hand', '--tags', 'Key=Role,Value=silent');
    expect(await aws('get-on-premises-instance', '--instance-name', 'by-hand')).toMatchObject({
      instanceInfo: { iamUserArn: arn },
    });
    // Nobody polls for this host, so its deployment stays open until it is stopped.
    await runSlipway(['groups', 'create', 'silent', '--application', 'site', '--tag', 'Role=silent'], server.env);
    const { deploymentId } = await aws(
      ...['create-deployment', '--application-name', 'site', '--deployment-group-name', 'silent'],
      ...['--s3-location', 'bucket=revisions,key=any.zip,bundleType=zip'],
    );
    expect(await aws('stop-deployment', '--deployment-id', String(deploymentId))).toMatchObject({
      status: 'Succeeded',
    });
    expect(await aws('get-deployment', '--deployment-id', String(deploymentId))).toMatchObject({
      deploymentInfo: { status: 'Stopped' },
    });
  });
});
