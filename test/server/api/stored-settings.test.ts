/** A deployment goes by the settings that its group had when it was created. */
import { expect, test } from 'vitest';
import { deployToTag, type HandDrivenHost, handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

const ON_FAILURE = { enabled: true, events: ['DEPLOYMENT_FAILURE' as const] };
const OFF = { enabled: false, events: [] };
const NOBODY = [{ Key: 'Role', Value: 'nobody', Type: 'KEY_AND_VALUE' as const }];

async function carryOut(host: HandDrivenHost, errorCode: 0 | 4): Promise<string> {
  const { HostCommandIdentifier: id, CommandName } = await host.command();
  await host.client.acknowledge(id, false);
  const diagnostics = { errorCode, scriptName: '', message: '', log: '' } as const;
  await host.client.complete(id, { status: errorCode === 0 ? 'Succeeded' : 'Failed', diagnostics });
  return CommandName;
}

test.each([
  ['rolls back though that was switched off while it ran', ON_FAILURE, OFF, true],
  ['does not roll back though that was switched on while it ran', OFF, ON_FAILURE, false],
] as const)('a deployment that fails %s', async (_what, before, after, isRolledBack) => {
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'));
  const admin = managementClient(server.url, await server.key('admin'));
  const host = await handDrivenHost(server.url, admin, 'web-1', 'web');
  const names = { applicationName: 'app-web', deploymentGroupName: 'hosts' };
  const change = (members: object) =>
    admin.call('UpdateDeploymentGroup', {
      ...{ applicationName: 'app-web', currentDeploymentGroupName: 'hosts' },
      ...members,
    });
  await deployToTag(admin, 'web');
  while ((await carryOut(host, 0)) !== 'ValidateService');

  await change({ autoRollbackConfiguration: before });
  const revision = {
    revisionType: 'S3' as const,
    s3Location: { bucket: 'revisions', key: 'two.zip', bundleType: 'zip' as const },
  };
  const { deploymentId = '' } = await admin.call('CreateDeployment', { ...names, revision });
  await change({ autoRollbackConfiguration: after, onPremisesInstanceTagFilters: NOBODY });
  expect(await carryOut(host, 4)).toBe('ApplicationStop');

  const { deploymentInfo } = await admin.call('GetDeployment', { deploymentId });
  expect(deploymentInfo).toMatchObject({ status: 'Failed', autoRollbackConfiguration: before });
  const { rollbackDeploymentId } = deploymentInfo?.rollbackInfo ?? {};
  expect(rollbackDeploymentId !== undefined).toBe(isRolledBack);
  if (rollbackDeploymentId === undefined) return;
  // The rollback goes to the hosts that the deployment went to, and not to those that the group has now.
  const { targetIds } = await admin.call('ListDeploymentTargets', { deploymentId: rollbackDeploymentId });
  expect(targetIds).toEqual(['web-1']);
});
