/**
 * Processes of Auto Scaling groups that rest while a deployment in place runs, a member of the newest model. Pure.
 *
 * No host here is of an Auto Scaling group. A deployment to such hosts suspends nothing in the hosted service either, so the names that a
 * deployment gives are checked, kept and shown. In a group, `not-done.ts` refuses them.
 */
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
