/** The forms of the console: what a refusal is about, what a save sends, and two people at one form. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tagChanges } from '../../src/console/api/application-tags.ts';
import { faultOf, isWithin } from '../../src/console/form/faults.ts';
import { FRESH_CONFIG, requestOf } from '../../src/console/pages/configs/config-settings.ts';
import {
  freshSettings,
  type GroupInfo,
  type GroupSettings,
  membersToCreate,
  membersToUpdate,
  notShown,
  settingsOf,
} from '../../src/console/pages/group-form/group-settings.ts';
import { rebase } from '../../src/console/pages/group-form/rebase.ts';
import { MODELLED_EXCEPTIONS } from '../../src/protocol/management/modelled-exceptions.ts';

describe('a refusal', () => {
  test.each([
    [
      'InvalidTagException',
      'onPremisesInstanceTagFilters[1].Key is missing or empty.',
      'onPremisesInstanceTagFilters[1].Key',
    ],
    [
      'InvalidInputException',
      "This server does not act upon autoScalingGroups as given here: it's so.",
      'autoScalingGroups',
    ],
    ['InvalidApplicationNameException', "the name is 'alarmConfiguration.alarms'", 'applicationName'],
    [
      'InvalidBlueGreenDeploymentConfigurationException',
      "Deployment ready action cannot be set to 'X'",
      'blueGreenDeploymentConfiguration',
    ],
    [
      'InvalidMinimumHealthyHostValueException',
      'minimumHealthyHosts.value must be a whole number from 0 on.',
      'minimumHealthyHosts.value',
    ],
    ['AccessDeniedException', 'A key of role viewer may not call it.', null],
  ])('%s (%s) is about %s', (type, message, path) => {
    expect(faultOf({ type, message })).toEqual({ path, message });
  });

  test('belongs to the field of its member, and to none whose name only begins alike', () => {
    expect(isWithin('ec2TagFilters[0].Key', 'ec2TagFilters')).toBe(true);
    expect(isWithin('alarmConfiguration.alarms', 'alarmConfiguration')).toBe(true);
    expect(isWithin('ec2TagFiltersMore', 'ec2TagFilters')).toBe(false);
    expect(isWithin(null, 'tags')).toBe(false);
  });

  test('a refusal of each exception that a form can meet is about a field', () => {
    const operations = [
      'CreateApplication',
      'CreateDeploymentGroup',
      'UpdateDeploymentGroup',
      'CreateDeploymentConfig',
    ] as const;
    const met = new Set<string>(operations.flatMap((operation) => MODELLED_EXCEPTIONS[operation]));
    const withoutField = [...met].filter((type) => faultOf({ type, message: 'No.' }).path === null);
    // The thing itself is gone, the server is full, or the message always names the member.
    expect(withoutField.toSorted()).toEqual([
      'ApplicationDoesNotExistException',
      'ApplicationLimitExceededException',
      'DeploymentConfigLimitExceededException',
      'DeploymentGroupDoesNotExistException',
      'DeploymentGroupLimitExceededException',
      'InvalidInputException',
      'ThrottlingException',
    ]);
  });
});

const INFO: GroupInfo = {
  deploymentGroupName: 'web',
  computePlatform: 'Server',
  deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
  onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }],
  alarmConfiguration: { enabled: true, alarms: [{ name: 'load' }] },
  deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITHOUT_TRAFFIC_CONTROL' },
};

describe('a save of a group', () => {
  const before = settingsOf(INFO);
  const updateOf = (opened: GroupSettings, now: GroupSettings) =>
    membersToUpdate({ settings: opened, info: INFO }, now, 'Server');

  test('sends nothing when nothing was changed', () => {
    expect(updateOf(before, settingsOf(INFO))).toEqual({});
  });

  test('sends what was changed, and clears what was taken away', () => {
    const now = { ...before, config: 'half', hostTags: [], alarms: [], watchesAlarms: false };
    expect(updateOf(before, now)).toEqual({
      deploymentConfigName: 'half',
      onPremisesInstanceTagFilters: [],
      alarmConfiguration: { enabled: false, ignorePollAlarmFailure: false, alarms: [] },
    });
  });

  test('sends a second list of tags as a set, and goes back to one list', () => {
    const filter = { type: 'KEY_ONLY', key: 'Role', value: '' } as const;
    const two = { ...before, hostTags: [...before.hostTags, [filter]] };
    const set = [[{ Type: 'KEY_AND_VALUE', Key: 'Role', Value: 'web' }], [{ Type: 'KEY_ONLY', Key: 'Role' }]];
    expect(updateOf(before, two)).toEqual({ onPremisesTagSet: { onPremisesTagSetList: set } });
    expect(updateOf(two, before)).toEqual({ onPremisesInstanceTagFilters: set[0] });
  });

  test('a save of a new blue/green group sends its waits as numbers, and what is no number as it was typed', () => {
    const blue = {
      ...freshSettings('Server'),
      type: 'BLUE_GREEN',
      option: 'WITH_TRAFFIC_CONTROL',
      terminateMinutes: '5',
    };
    const made = membersToCreate({ ...blue, ready: 'STOP_DEPLOYMENT', readyMinutes: 'ten' }, 'Server');
    expect(made.blueGreenDeploymentConfiguration).toEqual({
      deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 'ten' },
      terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 5 },
      greenFleetProvisioningOption: { action: 'DISCOVER_EXISTING' },
    });
    expect(made.deploymentStyle).toEqual({ deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' });
  });

  test('a save of a function sends nothing that is for hosts', () => {
    const made = membersToCreate({ ...freshSettings('Lambda'), name: 'f' }, 'Lambda');
    expect(Object.keys(made)).toEqual(['deploymentConfigName']);
  });
});

describe('a save of a group whose form shows a part of it', () => {
  const route = (...listenerArns: readonly string[]) => ({ listenerArns: [...listenerArns] });
  const pair = (name: string) => ({ targetGroups: [{ name: `${name}-1` }, { name: `${name}-2` }] });
  const info: GroupInfo = {
    computePlatform: 'ECS',
    ecsServices: [
      { serviceName: 'shop', clusterName: 'main' },
      { serviceName: 'cart', clusterName: 'main' },
    ],
    loadBalancerInfo: {
      targetGroupPairInfoList: [
        { ...pair('shop'), prodTrafficRoute: route('first', 'second') },
        { ...pair('cart'), prodTrafficRoute: route('third') },
      ],
    },
    blueGreenDeploymentConfiguration: { deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT' } },
  };
  const settings = settingsOf(info);
  const updateOf = (change: Partial<GroupSettings>) =>
    membersToUpdate({ settings, info }, { ...settings, ...change }, 'ECS');

  test('keeps the other services', () => {
    expect(updateOf({ service: 'store' })).toEqual({
      ecsServices: [
        { serviceName: 'store', clusterName: 'main' },
        { serviceName: 'cart', clusterName: 'main' },
      ],
    });
  });

  test('keeps the other pairs of target groups, and further listeners of the pair', () => {
    const [, cart] = info.loadBalancerInfo?.targetGroupPairInfoList ?? [];
    expect(updateOf({ prodListener: 'new' }).loadBalancerInfo).toEqual({
      targetGroupPairInfoList: [{ ...pair('shop'), prodTrafficRoute: route('new', 'second') }, cart],
    });
  });

  test('keeps members that a newer version of the API has brought', () => {
    const alarmConfiguration = {
      enabled: true,
      alarms: [
        { name: 'load', region: 'a' },
        { name: 'errors', region: 'b' },
      ],
      mode: 'any',
    };
    const newer = { ...info, alarmConfiguration } as GroupInfo;
    const opened = { settings: settingsOf(newer), info: newer };
    const now = { ...opened.settings, alarms: ['errors', 'latency'] };
    expect(membersToUpdate(opened, now, 'ECS').alarmConfiguration).toEqual({
      ...{ enabled: true, mode: 'any', ignorePollAlarmFailure: false },
      alarms: [{ name: 'errors', region: 'b' }, { name: 'latency' }],
    });
  });

  test('says what is not shown', () => {
    expect(notShown(info)).toEqual(['1 more service', '1 more pair of target groups', '1 more listener']);
    expect(notShown(INFO)).toEqual([]);
  });
});

test('processes that rest are read from a group, and sent when they were changed', () => {
  const info = { ...INFO, ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: ['AZRebalance'] } };
  const settings = settingsOf(info);
  expect(settings.resting).toEqual(['AZRebalance']);
  expect(membersToUpdate({ settings, info }, { ...settings, resting: [] }, 'Server')).toEqual({
    ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [] },
  });
});

test('an edit of tags puts what is new or other, and removes what was taken away', () => {
  const tag = (key: string, value: string) => ({ key, value });
  expect(
    tagChanges([tag('a', '1'), tag('b', '2'), tag('c', '3')], [tag('a', '1'), tag('b', '9'), tag('d', '4')]),
  ).toEqual({
    put: [tag('b', '9'), tag('d', '4')],
    removed: ['c'],
  });
});

test('settings that two people change at the same time are all kept, and those of both are named', () => {
  const settings = fc.record({ a: fc.nat(2), b: fc.array(fc.nat(1), { maxLength: 1 }), c: fc.constantFrom('x', 'y') });
  fc.assert(
    fc.property(settings, settings, settings, (opened, mine, theirs) => {
      const rebased = rebase(opened, mine, theirs);
      for (const name of ['a', 'b', 'c'] as const) {
        const [was, my, their] = [opened[name], mine[name], theirs[name]].map((value) => JSON.stringify(value));
        expect(JSON.stringify(rebased.settings[name])).toBe(my === was ? their : my);
        expect(rebased.changed.includes(name)).toBe(was !== their);
        expect(rebased.contested.includes(name)).toBe(my !== was && their !== was && my !== their);
      }
    }),
  );
});

test('a new configuration of traffic has no healthy hosts, and one of hosts no traffic', () => {
  const traffic = requestOf({ ...FRESH_CONFIG, name: 't', platform: 'ECS', traffic: 'TimeBasedLinear' });
  expect(traffic).toEqual({
    ...{ deploymentConfigName: 't', computePlatform: 'ECS' },
    trafficRoutingConfig: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 10, linearInterval: 5 } },
  });
  expect(requestOf({ ...FRESH_CONFIG, name: 'h', isZonal: true, watchSeconds: '30' })).toEqual({
    ...{ deploymentConfigName: 'h', computePlatform: 'Server' },
    minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 75 },
    zonalConfig: { monitorDurationInSeconds: 30 },
  });
});
