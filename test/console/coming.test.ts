import { describe, expect, test } from 'vitest';
import { type Coming, comingLines } from '../../src/console/pages/group/coming.ts';

const minimum = (type: 'HOST_COUNT' | 'FLEET_PERCENT', value: number): Coming['config'] => ({
  deploymentConfigName: 'c',
  computePlatform: 'Server',
  minimumHealthyHosts: { type, value },
});
const lines = (part: Partial<Coming>) =>
  comingLines({ group: {}, config: minimum('HOST_COUNT', 0), hosts: 4, ...part }).join('\n');

describe('a deployment that is to come', () => {
  test.each<[string, Partial<Coming>, string]>([
    ['goes to all hosts at once', {}, 'All of them at the same time'],
    [
      'goes to as many hosts as may be away',
      { config: minimum('FLEET_PERCENT', 50) },
      'At most 2 hosts at the same time, in some 2 waves',
    ],
    [
      'goes to one host where more must stay than there are',
      { config: minimum('HOST_COUNT', 9) },
      'At most 1 host at the same time, in some 4 waves',
    ],
    ['fails without a host', { hosts: 0 }, 'without one the deployment fails'],
    ['goes to hosts that nobody knows yet', { hosts: null }, 'that the group has when it begins'],
    [
      'waits for alarms',
      { group: { alarmConfiguration: { enabled: true, alarms: [{ name: 'errors' }] } } },
      'once errors is not active',
    ],
    [
      'passes over alarms that are off',
      { group: { alarmConfiguration: { enabled: false, alarms: [{ name: 'errors' }] } } },
      'No alarm',
    ],
    [
      'takes hosts out of their balancers',
      {
        group: {
          deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
          loadBalancerInfo: { elbInfoList: [{ name: 'web' }] },
        },
      },
      'Each host leaves web before',
    ],
    [
      'moves traffic by its configuration',
      {
        config: {
          ...{ deploymentConfigName: 'c', computePlatform: 'Lambda' },
          trafficRoutingConfig: {
            type: 'TimeBasedCanary',
            timeBasedCanary: { canaryPercentage: 10, canaryInterval: 5 },
          },
        },
      },
      'c moves 10 % of the traffic at first, and the rest after 5 minutes',
    ],
    [
      'is rolled back after a failure',
      { group: { autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE'] } } },
      'after: a failure',
    ],
  ])('%s, and the page says so', (_what, part, expected) => {
    expect(lines(part)).toContain(expected);
  });
});
