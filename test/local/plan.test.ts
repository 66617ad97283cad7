import { describe, expect, test } from 'vitest';
import {
  type LocalDeploymentOptions,
  type LocalDeploymentPlan,
  newLocalDeploymentId,
  planLocalDeployment,
} from '../../src/local/plan.ts';
import { systemRandom } from '../../src/system/random.ts';

const OPTIONS: LocalDeploymentOptions = {
  bundleLocation: null,
  workingDirectory: '/home/me/site',
  deploymentId: 'd-ABCDEFGHI-local',
  reservedIds: ['.slipway', 'deployment-logs', 'ongoing-deployment'],
};

function planOf(overrides: Partial<LocalDeploymentOptions> = {}): LocalDeploymentPlan {
  const result = planLocalDeployment({ ...OPTIONS, ...overrides });
  return result.ok ? result.plan : expect.fail(result.problems.join('; '));
}

describe('a local deployment', () => {
  test('a local deployment of nothing but a folder has codedeploy-local’s defaults', () => {
    const { events, specification } = planOf();
    expect(events).toHaveLength(11);
    expect(specification).toEqual({
      deploymentId: 'd-ABCDEFGHI-local',
      deploymentGroupId: 'default-local-deployment-group',
      deploymentGroupName: 'LocalFleet',
      applicationName: '/home/me/site',
      deploymentCreator: 'user',
      deploymentType: 'IN_PLACE',
      appSpecFilename: 'appspec.yml',
      fileExistsBehavior: 'DISALLOW',
      allPossibleLifecycleEvents: events,
      reuseArchiveFromDeploymentId: null,
      gitHubAccessToken: null,
      revision: { revisionType: 'Local Directory', location: '/home/me/site' },
    });
  });

  test('takes what it is told', () => {
    const { events, specification } = planOf({
      bundleLocation: 'https://github.com/octo/site',
      bundleType: 'tar',
      fileExistsBehavior: 'RETAIN',
      deploymentGroupId: 'mine',
      deploymentGroupName: 'Mine',
      applicationName: 'Shop',
      events: 'ApplicationStop, MyOwnEvent',
      appSpecFilename: 'config/appspec.yml',
      gitHubToken: 'secret',
    });
    expect(events).toEqual(['DownloadBundle', 'Install', 'ApplicationStop', 'MyOwnEvent']);
    expect(specification).toMatchObject({
      fileExistsBehavior: 'RETAIN',
      deploymentGroupId: 'mine',
      deploymentGroupName: 'Mine',
      applicationName: 'Shop',
      appSpecFilename: 'config/appspec.yml',
      gitHubAccessToken: 'secret',
      revision: { revisionType: 'GitHub', bundleType: 'tar' },
    });
    expect(specification.allPossibleLifecycleEvents).toContain('MyOwnEvent');
  });

  test('is called after its bundle location when it has no other name', () => {
    expect(planOf({ bundleLocation: 'site.zip', bundleType: 'zip' }).specification.applicationName).toBe('site.zip');
  });

  test.each([
    [{ deploymentGroupId: '../other' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: '' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: 'my group' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: '.slipway' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: 'Deployment-Logs' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: 'ongoing-deployment' }, ['DeploymentGroupId']],
    [{ deploymentGroupId: 'x'.repeat(201) }, ['DeploymentGroupId']],
    [{ applicationName: 'a\nb' }, ['ApplicationName']],
    [{ deploymentGroupName: 'x'.repeat(1_025) }, ['DeploymentGroupName']],
    [{ appSpecFilename: '../appspec.yml' }, ['AppSpecFilename']],
    [{ appSpecFilename: '/etc/passwd' }, ['AppSpecFilename']],
    [
      { events: 'ApplicationStart,Install', bundleLocation: 'http://x' },
      ['not encrypted', 'cannot come before Install'],
    ],
    [{ events: 'nonsense', deploymentGroupId: 'a/b' }, ["'nonsense'", 'DeploymentGroupId']],
    [{ events: '' }, ["''"]],
  ] satisfies [Partial<LocalDeploymentOptions>, string[]][])(
    '%o is refused with all that is wrong',
    (overrides, words) => {
      const result = planLocalDeployment({ ...OPTIONS, ...overrides });
      expect(result).toEqual({ ok: false, problems: words.map((word) => expect.stringContaining(word)) });
    },
  );

  test('has an id of the usual form', () => {
    expect(newLocalDeploymentId(systemRandom)).toMatch(/^d-[A-Z0-9]{9}-local$/);
  });
});
