/** The settings of a deployment group: what may be set, checked; kept and echoed in the form in which it was given. */
import { ApiError } from '../../protocol/errors.ts';
import type { SettingsOfGroup } from '../engine/settings.ts';
import type { Input } from './context.ts';
import { readBoolean, readList, readObject, readText, requireObject, requireText } from './input.ts';
import { isEmpty } from './not-done.ts';

/**
 * Members that are kept as they were given; absent ones keep what was there, `[]` clears. Some are not acted upon: of those, values come only
 * that ask for nothing, and groups from before may have others.
 */
const KEPT = [
  'ec2TagFilters',
  'ec2TagSet',
  'onPremisesInstanceTagFilters',
  'onPremisesTagSet',
  'autoScalingGroups',
  'triggerConfigurations',
  'alarmConfiguration',
  'autoRollbackConfiguration',
  'outdatedInstancesStrategy',
  'deploymentStyle',
  'blueGreenDeploymentConfiguration',
  'loadBalancerInfo',
  'terminationHookEnabled',
] as const;

export type GroupSettings = SettingsOfGroup & { readonly [Name in (typeof KEPT)[number]]?: unknown };

/** The two ways to say which hosts: a list of filters, or lists of them. */
const TAG_FORMS = [
  ['ec2TagFilters', 'ec2TagSet'],
  ['onPremisesInstanceTagFilters', 'onPremisesTagSet'],
] as const;

const FILTER_TYPES = ['KEY_ONLY', 'VALUE_ONLY', 'KEY_AND_VALUE'];
const MAX_LIST = 10;
const MAX_TAG_LISTS = 3;
const ROLLBACK_EVENTS = ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'];
const MAX_ALARM_NAME = 255;
/** @param before what the group has already; the pair of tag forms replaces each other */
export function readGroupSettings(input: Input, before: GroupSettings = {}): GroupSettings {
  checkTagFilters(input);
  checkStyle(input);
  checkRollback(readObject(input, 'autoRollbackConfiguration'));
  checkAlarms(readObject(input, 'alarmConfiguration'));
  const settings: Record<string, unknown> = { ...before };
  for (const name of KEPT) {
    const value = input[name];
    if (value === undefined || value === null) continue;
    settings[name] = value;
  }
  for (const [flat, set] of TAG_FORMS) {
    // Each form takes the place of the other; where both were given, the empty one says nothing.
    const isGiven = (name: string) => input[name] !== undefined && input[name] !== null;
    if (isGiven(set) && (!isGiven(flat) || !isEmpty(input[set]))) delete settings[flat];
    else if (isGiven(flat)) delete settings[set];
  }
  return settings as GroupSettings;
}

function checkTagFilters(input: Input): void {
  const [flatName, setName] = ['onPremisesInstanceTagFilters', 'onPremisesTagSet'];
  const invalid = 'InvalidTagException';
  const flat = readList(input, flatName);
  const set = readObject(input, setName);
  if (flat !== null && !isEmpty(flat) && set !== null && !isEmpty(set)) {
    throw new ApiError('InvalidOnPremisesTagCombinationException', `${flatName} and ${setName} cannot both be given.`);
  }
  for (const filter of flat ?? []) checkFilter(requireObject(filter, flatName), flatName, invalid);
  if ((flat ?? []).length > MAX_LIST)
    throw new ApiError('TagSetListLimitExceededException', `${flatName} may have ${MAX_LIST} entries.`);
  const lists = set === null ? [] : (readList(set, 'onPremisesTagSetList') ?? []);
  if (lists.length > MAX_TAG_LISTS)
    throw new ApiError('TagSetListLimitExceededException', `${setName} may have ${MAX_TAG_LISTS} lists.`);
  for (const list of lists) {
    if (!Array.isArray(list)) throw new ApiError('SerializationException', `${setName} must be a list of lists.`);
    if (list.length > MAX_LIST)
      throw new ApiError('TagSetListLimitExceededException', `A list of ${setName} may have ${MAX_LIST} entries.`);
    for (const filter of list) checkFilter(requireObject(filter, setName), setName, invalid);
  }
}

export function checkFilter(filter: Input, member: string, invalid: string): void {
  const type = readText(filter, 'Type');
  const key = readText(filter, 'Key');
  const value = readText(filter, 'Value');
  if (type !== null && !FILTER_TYPES.includes(type)) {
    throw new ApiError(
      invalid,
      `The Type of a filter in ${member} must be ${FILTER_TYPES.join(', ')}, but is '${type}'.`,
    );
  }
  if (type !== 'VALUE_ONLY' && !key) throw new ApiError(invalid, `A filter in ${member} has no Key.`);
  if (type === 'VALUE_ONLY' && value === null)
    throw new ApiError(invalid, `A filter of type VALUE_ONLY in ${member} has no Value.`);
}

function checkStyle(input: Input): void {
  const style = readObject(input, 'deploymentStyle');
  if (style === null) return;
  const type = readText(style, 'deploymentType');
  const option = readText(style, 'deploymentOption');
  if (type !== null && type !== 'IN_PLACE') {
    throw new ApiError(
      'InvalidDeploymentStyleException',
      `This server deploys in place; the deploymentType ${type} is not supported.`,
    );
  }
  if (option !== null && option !== 'WITHOUT_TRAFFIC_CONTROL') {
    throw new ApiError(
      'InvalidDeploymentStyleException',
      `This server controls no load balancers; the deploymentOption ${option} is not supported. Scripts of ApplicationStop and ApplicationStart can.`,
    );
  }
}

export function checkRollback(configuration: Input | null): void {
  if (configuration === null) return;
  const events = (readList(configuration, 'events') ?? []).map((event) => requireText(event, 'events'));
  const unknown = events.find((event) => !ROLLBACK_EVENTS.includes(event));
  if (unknown !== undefined)
    throw new ApiError('InvalidAutoRollbackConfigException', `'${unknown}' is none of ${ROLLBACK_EVENTS.join(', ')}.`);
  if (readBoolean(configuration, 'enabled') === true && events.length === 0) {
    throw new ApiError('InvalidAutoRollbackConfigException', 'An automatic rollback that is enabled needs events.');
  }
}

export function checkAlarms(configuration: Input | null): void {
  if (configuration === null) return;
  const invalid = (why: string) => new ApiError('InvalidAlarmConfigException', why);
  const names = (readList(configuration, 'alarms') ?? []).map(
    (alarm) => readText(requireObject(alarm, 'alarms'), 'name') ?? '',
  );
  if (names.some((name) => name === '' || name.length > MAX_ALARM_NAME))
    throw invalid(`An alarm needs a name of 1 to ${MAX_ALARM_NAME} characters.`);
  if (new Set(names).size < names.length) throw invalid('An alarm is named twice.');
  if (readBoolean(configuration, 'enabled') === true && names.length === 0)
    throw invalid('An alarm configuration that is enabled needs alarms.');
  if (names.length > MAX_LIST) throw new ApiError('AlarmsLimitExceededException', `${MAX_LIST} alarms are the limit.`);
}
