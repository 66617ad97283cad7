/** The settings of a group that deploys to Lambda or ECS: what it must have, and what only hosts have. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ExceptionName } from '../../../protocol/management/modelled-exceptions.ts';
import type { SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { readBoolean, readList, readObject, readText } from '../input.ts';
import { isEmpty } from '../not-done.ts';
import { checkBlueGreen } from './blue-green.ts';
import { checkRollback } from './rollback.ts';
import { checkEcsServices, checkTargetGroupPairs, pairMissing } from './target-group-pairs.ts';
import { checkTriggers, type KnowsTarget } from './triggers.ts';

export type ShiftedPlatform = 'Lambda' | 'ECS';

/** Which hosts, and how they are found: nothing of it is for a function or a service. An empty value is as good as none. */
const OF_HOSTS: readonly (readonly [string, ExceptionName])[] = [
  ['ec2TagFilters', 'InvalidEC2TagException'],
  ['ec2TagSet', 'InvalidEC2TagException'],
  ['onPremisesInstanceTagFilters', 'InvalidTagException'],
  ['onPremisesTagSet', 'InvalidTagException'],
  ['autoScalingGroups', 'InvalidAutoScalingGroupException'],
  ['ec2DeploymentOptions', 'InvalidAutoScalingGroupProcessToSuspendException'],
];

/** Members of the rest that only ECS has. */
const OF_ECS: readonly (readonly [string, ExceptionName])[] = [
  ['ecsServices', 'InvalidECSServiceException'],
  ['loadBalancerInfo', 'InvalidLoadBalancerInfoException'],
  ['blueGreenDeploymentConfiguration', 'InvalidBlueGreenDeploymentConfigurationException'],
];

/** @throws ApiError the exception of the first setting that is not well formed, or not for the platform */
export function checkShiftedGroup(
  input: Input,
  platform: ShiftedPlatform,
  { knowsTarget, takesSeveralPairs }: { readonly knowsTarget: KnowsTarget; readonly takesSeveralPairs: boolean },
): void {
  for (const [member, type] of [...OF_HOSTS, ...(platform === 'Lambda' ? OF_ECS : [])]) {
    if (isEmpty(input[member])) continue;
    throw new ApiError(type, wordsFor(member, platform));
  }
  if (readBoolean(input, 'terminationHookEnabled') === true) {
    throw new ApiError('InvalidInputException', wordsFor('terminationHookEnabled', platform));
  }
  checkStyle(input, platform);
  checkBlueGreen(input);
  const provisioning = readObject(input, 'blueGreenDeploymentConfiguration')?.['greenFleetProvisioningOption'];
  if (!isEmpty(provisioning)) {
    throw new ApiError(
      'InvalidBlueGreenDeploymentConfigurationException',
      'blueGreenDeploymentConfiguration.greenFleetProvisioningOption is for hosts: ECS makes the tasks of the new task set. Leave it out.',
    );
  }
  checkEcsServices(input);
  checkTargetGroupPairs(input, takesSeveralPairs);
  checkRollback(readObject(input, 'autoRollbackConfiguration'));
  checkTriggers(input, knowsTarget);
  checkNoInstanceTriggers(input, platform);
}

/** As the hosted service says it of two of them: clients look for the text. */
function wordsFor(member: string, platform: ShiftedPlatform): string {
  if (member === 'ecsServices') return `Should not specify ECS services parameter for ${platform} deployment group`;
  return `For ${platform} deployment group, ${member} can not be specified`;
}

/** @throws ApiError InvalidDeploymentStyleException: traffic is always moved, from the old version to the new one */
function checkStyle(input: Input, platform: ShiftedPlatform): void {
  const style = readObject(input, 'deploymentStyle') ?? {};
  for (const [member, only] of [
    ['deploymentType', 'BLUE_GREEN'],
    ['deploymentOption', 'WITH_TRAFFIC_CONTROL'],
  ] as const) {
    const given = readText(style, member);
    if (given === null || given === only) continue;
    throw new ApiError(
      'InvalidDeploymentStyleException',
      `deploymentStyle.${member} must be ${only} for ${platform}, but is ${given}. Leave it out.`,
    );
  }
}

/** @throws ApiError InvalidTriggerConfigException: there are no instances to tell of */
function checkNoInstanceTriggers(input: Input, platform: ShiftedPlatform): void {
  for (const [index, trigger] of (readList(input, 'triggerConfigurations') ?? []).entries()) {
    const events = readList(trigger as Input, 'triggerEvents') ?? [];
    const event = events.find((one) => String(one).startsWith('Instance'));
    if (event === undefined) continue;
    throw new ApiError(
      'InvalidTriggerConfigException',
      `triggerConfigurations[${index}].triggerEvents has ${String(event)}, and a deployment to ${platform} has no instances.`,
    );
  }
}

/**
 * @param settings as they are after a request
 * @throws ApiError for a group of ECS without its service or its pair of target groups
 */
export function checkShiftedGroupIsWhole(settings: SettingsOfGroup, platform: ShiftedPlatform): void {
  if (platform !== 'ECS') return;
  if (isEmpty(settings.ecsServices)) {
    throw new ApiError('InvalidECSServiceException', 'ecsServices is missing: it names the service to deploy to.');
  }
  if (!isEmpty(settings.loadBalancerInfo?.targetGroupPairInfoList)) return;
  throw new ApiError('InvalidTargetGroupPairException', pairMissing('loadBalancerInfo has none'));
}

/** `aws ecs deploy` reads both waits of an ECS group without asking whether they are there. */
export function shownShiftedSettings(settings: SettingsOfGroup, platform: ShiftedPlatform) {
  const style = { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' } as const;
  if (platform === 'Lambda') return { deploymentStyle: style };
  return { deploymentStyle: style, blueGreenDeploymentConfiguration: shownWaits(settings) };
}

/** Both waits of ECS, as numbers. */
export function shownWaits({
  blueGreenDeploymentConfiguration,
}: Pick<SettingsOfGroup, 'blueGreenDeploymentConfiguration'>) {
  const { terminateBlueInstancesOnDeploymentSuccess: termination, deploymentReadyOption: ready } =
    blueGreenDeploymentConfiguration ?? {};
  return {
    terminateBlueInstancesOnDeploymentSuccess: {
      action: 'TERMINATE',
      terminationWaitTimeInMinutes: 0,
      ...termination,
    },
    deploymentReadyOption: { actionOnTimeout: 'CONTINUE_DEPLOYMENT', waitTimeInMinutes: 0, ...ready },
  };
}
