/** Processes of Auto Scaling groups that rest while a deployment in place runs, a member of the newest model. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { autoScalingGroupsOf, type Ec2Options, isBlueGreen, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { checkChoice, readList, readObject, requireBatch, requireText } from '../input.ts';

const PROCESSES = ['Terminate', 'AZRebalance', 'InstanceRefresh', 'ScheduledActions'];
const INVALID = 'InvalidAutoScalingGroupProcessToSuspendException';
const PATH = 'ec2DeploymentOptions.autoScalingGroupProcessesToSuspend';

/** @returns null: absent @throws ApiError InvalidAutoScalingGroupProcessToSuspendException */
export function readSuspendedProcesses(input: Input): Ec2Options | null {
  const options = readObject(input, 'ec2DeploymentOptions');
  const processes = readList(options ?? {}, 'autoScalingGroupProcessesToSuspend') ?? [];
  requireBatch(processes, PATH, PROCESSES.length, INVALID);
  for (const [index, name] of processes.entries()) {
    checkChoice(requireText(name, `${PATH}[${index}]`), `${PATH}[${index}]`, PROCESSES, INVALID);
  }
  return options;
}

/**
 * @param settings of a group, as they are after a request that gives `options`
 * @throws ApiError InvalidAutoScalingGroupProcessToSuspendException where there is nothing that could rest
 */
export function checkSuspensionFits(options: Ec2Options | null, settings: SettingsOfGroup): void {
  if ((options?.autoScalingGroupProcessesToSuspend ?? []).length === 0) return;
  checkSuspensionInPlace(options, settings);
  if (autoScalingGroupsOf(settings).length > 0) return;
  throw new ApiError(INVALID, `${PATH} needs autoScalingGroups, and the deployment group has none. Leave it out.`);
}

/** The same for a deployment: hosts of no Auto Scaling group are deployed to with nothing suspended, as in the hosted service. */
export function checkSuspensionInPlace(options: Ec2Options | null, settings: SettingsOfGroup): void {
  if ((options?.autoScalingGroupProcessesToSuspend ?? []).length === 0 || !isBlueGreen(settings)) return;
  throw new ApiError(
    INVALID,
    `${PATH} is for deployments in place, and the deployment group deploys blue/green. Leave it out.`,
  );
}
