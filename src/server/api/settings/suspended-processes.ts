/**
 * Processes of Auto Scaling groups that rest while a deployment in place runs, a member of the newest model. Pure.
 *
 * This server suspends none. A deployment to hosts of no Auto Scaling group suspends nothing in the hosted service either, so the names that it
 * gives are checked, kept and shown. In a group, `not-done.ts` refuses them.
 */
import { ApiError } from '../../../protocol/errors.ts';
import type { Input } from '../context.ts';
import { checkChoice, readList, readObject, requireBatch, requireText } from '../input.ts';

const PROCESSES = ['Terminate', 'AZRebalance', 'InstanceRefresh', 'ScheduledActions'];
const INVALID = 'InvalidAutoScalingGroupProcessToSuspendException';
const PATH = 'ec2DeploymentOptions.autoScalingGroupProcessesToSuspend';

/** @returns null: absent @throws ApiError InvalidAutoScalingGroupProcessToSuspendException */
export function readSuspendedProcesses(input: Input): Input | null {
  const options = readObject(input, 'ec2DeploymentOptions');
  const processes = readList(options ?? {}, 'autoScalingGroupProcessesToSuspend') ?? [];
  requireBatch(processes, PATH, PROCESSES.length, INVALID);
  for (const [index, name] of processes.entries()) {
    checkChoice(requireText(name, `${PATH}[${index}]`), `${PATH}[${index}]`, PROCESSES, INVALID);
  }
  return options;
}

/** @param autoScalingGroups of the group that is deployed to @throws ApiError InvalidAutoScalingGroupProcessToSuspendException */
export function refuseSuspension(options: object | undefined, autoScalingGroups: readonly string[]): void {
  const { autoScalingGroupProcessesToSuspend: processes } = (options ?? {}) as {
    readonly autoScalingGroupProcessesToSuspend?: readonly string[];
  };
  if ((processes ?? []).length === 0 || autoScalingGroups.length === 0) return;
  throw new ApiError(
    INVALID,
    `This server suspends no processes of Auto Scaling groups, and the deployment group has some: leave ${PATH} out.`,
  );
}
