/** Settings of the API that have several options of `slipway groups create` and `update`. */
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addAutoScalingOptions } from '../../src/cli/auto-scaling-options.ts';
import { addBlueGreenOptions, type KnownGroup } from '../../src/cli/blue-green-options.ts';
import { addLoadBalancerOption, type GroupSettingsOptions, settingsInput } from '../../src/cli/group-settings.ts';
import { runCli } from '../../src/cli/program.ts';
import { addServiceOptions } from '../../src/cli/service-options.ts';
import { capturedContext } from '../support/cli-context.ts';
import { answeringServer } from '../support/http-server.ts';

const LISTENER = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/front/0/1';

function inputOf(args: readonly string[], known: KnownGroup = null) {
  const command = addServiceOptions(addBlueGreenOptions(addLoadBalancerOption(addAutoScalingOptions(new Command()))));
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  return settingsInput(command.parse(args, { from: 'user' }).opts<GroupSettingsOptions>(), known);
}

describe('slipway groups update', () => {
  test('keeps the Classic Load Balancers of a group that gets other target groups', () => {
    const known: KnownGroup = {
      deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      loadBalancerInfo: { elbInfoList: [{ name: 'old' }], targetGroupInfoList: [{ name: 'front' }] },
    };
    expect(inputOf(['--load-balancers', 'api'], known)).toMatchObject({
      deploymentStyle: { deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      loadBalancerInfo: { elbInfoList: [{ name: 'old' }], targetGroupInfoList: [{ name: 'api' }] },
    });
  });

  test('leaves traffic alone only when no load balancer of either kind is left', () => {
    const known: KnownGroup = { loadBalancerInfo: { elbInfoList: [{ name: 'old' }], targetGroupInfoList: [] } };
    expect(inputOf(['--load-balancers', 'none'], known)).toMatchObject({
      deploymentStyle: { deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    });
    expect(inputOf(['--load-balancers', 'none', '--classic-load-balancers', 'none'], known)).toMatchObject({
      deploymentStyle: { deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
      loadBalancerInfo: { elbInfoList: [], targetGroupInfoList: [] },
    });
  });

  test('changes the waits of a service of ECS without a word about hosts', () => {
    expect(inputOf(['--ready-wait', '30', '--termination-wait', '5'], { computePlatform: 'ECS' })).toEqual({
      blueGreenDeploymentConfiguration: {
        terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 5 },
        deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 30 },
      },
    });
  });

  test.each(['--load-balancers=front', '--classic-load-balancers=old', '--blue-green', '--replacement=copy'])(
    'refuses %s for a service of ECS',
    (option) => {
      expect(() => inputOf([option], { computePlatform: 'ECS' })).toThrow('is for hosts');
    },
  );

  test('keeps a copied Auto Scaling group when only a wait changes', () => {
    const known: KnownGroup = {
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      blueGreenDeploymentConfiguration: { greenFleetProvisioningOption: { action: 'COPY_AUTO_SCALING_GROUP' } },
    };
    const { blueGreenDeploymentConfiguration } = inputOf(['--ready-wait', '30'], known);
    expect(blueGreenDeploymentConfiguration).toMatchObject({
      greenFleetProvisioningOption: { action: 'COPY_AUTO_SCALING_GROUP' },
    });
  });

  test('takes away Auto Scaling groups and suspended processes by the word none', () => {
    expect(inputOf(['--auto-scaling-groups', 'none', '--suspend-processes', 'none'])).toEqual({
      autoScalingGroups: [],
      ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [] },
    });
  });

  test.each([
    ['main/shop', { clusterName: 'main', serviceName: 'shop' }],
    ['shop', { serviceName: 'shop' }],
    [
      'arn:aws:ecs:eu-central-1:123456789012:service/main/shop',
      { clusterName: 'main', serviceName: 'arn:aws:ecs:eu-central-1:123456789012:service/main/shop' },
    ],
  ])('reads the service %s', (text, service) => {
    expect(inputOf(['--ecs-service', text])).toEqual({ ecsServices: [service] });
  });

  test.each([
    ['a target group without its partner', ['--target-groups', 'blue', '--listener', LISTENER]],
    ['target groups without a listener', ['--target-groups', 'blue,green']],
    ['a test listener alone', ['--test-listener', LISTENER]],
    ['a service of two slashes', ['--ecs-service', 'a/b/c']],
    ['an Auto Scaling group without a name', ['--auto-scaling-groups', 'a,,b']],
    ['both forms of tags', ['--ec2-tag', 'Role=web', '--ec2-tag-set', 'Role=web']],
  ])('refuses %s', (_, args) => {
    expect(() => inputOf(args)).toThrow();
  });
});

describe('slipway groups create', () => {
  test.each([
    ['Lambda', 0, ''],
    ['Server', 2, 'no tag is given: the group would have no hosts'],
  ])('for an application of %s without a tag ends with status %i', async (computePlatform, status, complaint) => {
    await using server = await answeringServer((request) => ({
      body: JSON.stringify(
        request.headers['x-amz-target']?.endsWith('.GetApplication') ? { application: { computePlatform } } : {},
      ),
    }));
    const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', SLIPWAY_ENDPOINT_URL: server.url };
    const ctx = capturedContext({ env });
    expect(await runCli(['groups', 'create', 'live', '--application', 'shop'], ctx)).toBe(status);
    expect(ctx.complained()).toContain(complaint);
  });
});
