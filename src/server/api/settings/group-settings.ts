/** The settings of a deployment group: checked, and kept in the form in which they were given. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { copiesGroup, type KnownBalancers, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Platform } from '../compute-platform.ts';
import type { Input } from '../context.ts';
import { checkChoice, readObject, readText } from '../input.ts';
import { isEmpty } from '../not-done.ts';
import { checkBlueGreen, checkBlueGreenFits } from './blue-green.ts';
import { checkStyle } from './deployment-style.ts';
import { checkLoadBalancers, checkTrafficControl } from './load-balancers.ts';
import { checkRollback } from './rollback.ts';
import { checkShiftedGroup, checkShiftedGroupIsWhole } from './shifted-group.ts';
import { checkSuspensionFits, readSuspendedProcesses } from './suspended-processes.ts';
import { checkTagFilters } from './tag-filters.ts';
import { checkTriggers, type KnowsTarget } from './triggers.ts';

/**
 * Members that are kept as they were given. A member that is not acted upon has a value that asks for nothing here; groups made by an older
 * version may have others.
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
  'ec2DeploymentOptions',
  'ecsServices',
] as const;

export type GroupSettings = SettingsOfGroup & { readonly [Name in (typeof KEPT)[number]]?: unknown };

/** The two ways to say which hosts: a list of filters, or lists of them. */
const TAG_FORMS = [
  ['ec2TagFilters', 'ec2TagSet'],
  ['onPremisesInstanceTagFilters', 'onPremisesTagSet'],
] as const;

/** Load balancers and targets of notices in the server's own configuration. */
export interface KnownThings {
  readonly balancers: KnownBalancers;
  readonly knowsTarget: KnowsTarget;
  /** Whether an ECS service may have several pairs of target groups. */
  readonly takesSeveralPairs: boolean;
}

/** @throws ApiError the exception of the first setting that is not well formed, or not for the platform */
export function checkGroupSettings(input: Input, platform: Platform, known: KnownThings): void {
  const { balancers, knowsTarget } = known;
  checkStrategy(input);
  if (platform !== 'Server') {
    checkShiftedGroup(input, platform, known);
    return;
  }
  if (!isEmpty(input['ecsServices'])) {
    // As the hosted service says it: clients look for the text.
    const why = 'Should not specify ECS services parameter for Server deployment group';
    throw new ApiError('InvalidECSServiceException', why);
  }
  checkTagFilters(input);
  checkStyle(input);
  checkBlueGreen(input);
  checkLoadBalancers(input, balancers);
  checkRollback(readObject(input, 'autoRollbackConfiguration'));
  readSuspendedProcesses(input);
  checkTriggers(input, knowsTarget);
}

/** @throws ApiError InvalidInputException */
function checkStrategy(input: Input): void {
  const strategy = readText(input, 'outdatedInstancesStrategy') ?? 'UPDATE';
  checkChoice(strategy, 'outdatedInstancesStrategy', ['UPDATE', 'IGNORE'], 'InvalidInputException');
}

/**
 * The settings that a group has after a request. Absent members keep what was there; an empty list clears it.
 *
 * @param input what `checkGroupSettings` has let pass
 * @param known `balancers`: names that the server knows; `asksAws`: whether it can copy Auto Scaling groups
 * @param before what the group has already
 * @throws ApiError of `checkTrafficControl`, `checkBlueGreenFits`, `checkSuspensionFits` and `checkShiftedGroupIsWhole`
 */
export function mergeGroupSettings(
  input: Input,
  platform: Platform,
  { balancers, asksAws }: { readonly balancers: KnownBalancers; readonly asksAws: boolean },
  before: GroupSettings = {},
): GroupSettings {
  const settings: Record<string, unknown> = { ...before };
  const isGiven = (name: string) => input[name] !== undefined && input[name] !== null;
  for (const name of KEPT) if (isGiven(name)) settings[name] = input[name];
  for (const [flat, set] of TAG_FORMS) {
    // Each form takes the place of the other; where both were given, the empty one says nothing.
    if (isGiven(set) && (!isGiven(flat) || !isEmpty(input[set]))) delete settings[flat];
    else if (isGiven(flat)) delete settings[set];
  }
  const merged = settings as GroupSettings;
  if (platform !== 'Server') {
    checkShiftedGroupIsWhole(merged, platform);
    return merged;
  }
  if (isGiven('ec2DeploymentOptions')) checkSuspensionFits(merged.ec2DeploymentOptions ?? null, merged);
  const isConfigured = isGiven('blueGreenDeploymentConfiguration');
  const isCopied = isGiven('autoScalingGroups') && copiesGroup(merged);
  if (isConfigured || isCopied || isGiven('deploymentStyle')) checkBlueGreenFits(merged, isConfigured, asksAws);
  // A change that has nothing to do with traffic is taken also where a balancer is gone.
  if (isGiven('deploymentStyle') || isGiven('loadBalancerInfo')) checkTrafficControl(merged, balancers);
  return merged;
}
