/** The words of the API for settings of a group, each with what it means. Pure. */
import { TRIGGER_EVENTS } from '../../../protocol/management/trigger-events.ts';

export const TYPES = [
  { value: 'IN_PLACE', label: 'In place', description: 'The hosts of the group get the revision.' },
  { value: 'BLUE_GREEN', label: 'Blue/green', description: 'Other hosts get the revision, and then the traffic.' },
] as const;

export const OPTIONS = [
  { value: 'WITHOUT_TRAFFIC_CONTROL', label: 'Leave load balancers alone' },
  { value: 'WITH_TRAFFIC_CONTROL', label: 'Take hosts out of their load balancers meanwhile' },
] as const;

export const OUTDATED = [
  { value: 'UPDATE', label: 'Bring it to them (UPDATE)' },
  { value: 'IGNORE', label: 'Leave them as they are (IGNORE)' },
] as const;

export const FLEETS = [
  { value: 'DISCOVER_EXISTING', label: 'Each deployment names them by tags' },
  { value: 'COPY_AUTO_SCALING_GROUP', label: 'A copy of the Auto Scaling group' },
] as const;

export const READY = [
  { value: 'CONTINUE_DEPLOYMENT', label: 'Reroute the traffic at once' },
  { value: 'STOP_DEPLOYMENT', label: 'Wait for somebody who continues, and stop in the end' },
] as const;

export const TERMINATE = [
  { value: 'TERMINATE', label: 'Terminate them' },
  { value: 'KEEP_ALIVE', label: 'Keep them' },
] as const;

export const PROCESSES = ['Terminate', 'AZRebalance', 'InstanceRefresh', 'ScheduledActions'].map((value) => ({
  ...{ value, label: value },
}));

export const ROLLBACK_EVENTS = [
  { value: 'DEPLOYMENT_FAILURE', label: 'a failed deployment' },
  { value: 'DEPLOYMENT_STOP_ON_ALARM', label: 'a stop by an alarm' },
  { value: 'DEPLOYMENT_STOP_ON_REQUEST', label: 'a stop by a person' },
] as const;

export const TRIGGER_CHOICES = TRIGGER_EVENTS.map((value) => ({ value, label: value }));

/** Names of settings, for people who have changed one at the same time. */
export const SETTING_NAMES = {
  name: 'the name',
  config: 'the deployment configuration',
  hostTags: 'the tags of hosts',
  ec2Tags: 'the tags of EC2 instances',
  scalingGroups: 'the Auto Scaling groups',
  terminationHook: 'the hook of terminations',
  resting: 'the processes that rest',
  outdated: 'what outdated hosts get',
  type: 'the deployment type',
  option: 'the traffic',
  targetGroups: 'the load balancers',
  classicBalancers: 'the classic load balancers',
  ready: 'what happens when the replacement is ready',
  readyMinutes: 'the wait for somebody who continues',
  terminate: 'what becomes of the original hosts',
  terminateMinutes: 'the wait before the original hosts are terminated',
  fleet: 'the replacement hosts',
  cluster: 'the cluster',
  service: 'the service',
  pairs: 'the target groups',
  prodListener: 'the production listener',
  testListener: 'the test listener',
  watchesAlarms: 'whether alarms are watched',
  ignoresUnread: 'what happens when an alarm cannot be read',
  alarms: 'the alarms',
  rollsBack: 'whether it rolls back by itself',
  rollbackEvents: 'the events of automatic rollback',
  triggers: 'the triggers',
} as const;
