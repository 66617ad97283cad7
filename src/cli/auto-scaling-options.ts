/** What a deployment group or a deployment says about EC2 and its Auto Scaling groups, as flags. */
import { type Command, InvalidArgumentError } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { collect } from './arguments.ts';
import { parseTagFilter, parseTagSet, type TagFilter } from './tag-filters.ts';

type GroupInput = ManagementOperations['UpdateDeploymentGroup']['input'];
type DeploymentInput = ManagementOperations['CreateDeployment']['input'];

export interface SuspensionOptions {
  /** Empty: all processes go on. */
  readonly suspendProcesses?: readonly string[];
}

export interface AutoScalingOptions extends SuspensionOptions {
  readonly ec2Tag?: readonly TagFilter[];
  readonly ec2TagSet?: readonly (readonly TagFilter[])[];
  /** Empty: none any more. */
  readonly autoScalingGroups?: readonly string[];
  readonly terminationHook?: boolean;
}

/** `a,b` → both; `none` → none. */
export function parseNames(text: string): readonly string[] {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  if (!names.includes('')) return names;
  throw new InvalidArgumentError('it must be names with a comma between, or none');
}

export function addAutoScalingOptions(command: Command): Command {
  const withTags = command
    .option(
      '--ec2-tag <key=value>',
      'EC2 instances with this tag belong to it, where the server asks AWS; may be repeated, any one suffices',
      collect(parseTagFilter),
    )
    .option(
      '--ec2-tag-set <tags>',
      'EC2 instances with one of these tags, commas between them; may be repeated, then an instance must have one of each',
      collect(parseTagSet),
    )
    .option(
      '--auto-scaling-groups <names>',
      'members of these Auto Scaling groups belong to it, names with a comma between; or none',
      parseNames,
    )
    .option('--termination-hook', 'ApplicationStop runs on a member that its Auto Scaling group terminates')
    .option('--no-termination-hook', 'an Auto Scaling group terminates its members at once');
  return addSuspensionOption(withTags);
}

/** A deployment has this, too. */
export function addSuspensionOption(command: Command): Command {
  return command.option(
    '--suspend-processes <names>',
    'processes of the Auto Scaling groups that rest during a deployment in place: Terminate, AZRebalance, InstanceRefresh, ScheduledActions, with a comma between; or none',
    parseNames,
  );
}

/** Only what was given. The server knows the names of processes, so that a new one needs no new command line. */
export function suspensionInput({
  suspendProcesses,
}: SuspensionOptions): Pick<DeploymentInput, 'ec2DeploymentOptions'> {
  if (suspendProcesses === undefined) return {};
  return { ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: [...suspendProcesses] } };
}

/** Only what was given. @throws SlipwayError CLI_BAD_ARGUMENT when both forms of tags are given */
export function autoScalingInput(options: AutoScalingOptions): Partial<GroupInput> {
  const { ec2Tag, ec2TagSet, autoScalingGroups, terminationHook } = options;
  if (ec2Tag !== undefined && ec2TagSet !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--ec2-tag and --ec2-tag-set cannot be given together', {
      remedy: 'Give one of the two: --ec2-tag-set for instances that need several tags.',
    });
  }
  return {
    ...(ec2Tag === undefined ? {} : { ec2TagFilters: [...ec2Tag] }),
    ...(ec2TagSet === undefined ? {} : { ec2TagSet: { ec2TagSetList: ec2TagSet.map((list) => [...list]) } }),
    ...(autoScalingGroups === undefined ? {} : { autoScalingGroups: [...autoScalingGroups] }),
    ...(terminationHook === undefined ? {} : { terminationHookEnabled: terminationHook }),
    ...suspensionInput(options),
  };
}
