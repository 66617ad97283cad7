/** Remedies for a plan that cannot be carried out, by cause. Pure. */
import type { FileExistsBehavior } from '../protocol/specification.ts';
import type { PlanProblem } from './types.ts';

/** Rule for files that exist already, and where it was set. */
export interface BehaviorInForce {
  readonly behavior: FileExistsBehavior;
  /** The AppSpec file's word goes before the deployment's: for another behavior the AppSpec file has to change. */
  readonly isOfAppSpec: boolean;
}

/** @returns one sentence or two for each cause, in the order of the problems, none twice */
export function remediesFor(problems: readonly Pick<PlanProblem, 'rule'>[], inForce: BehaviorInForce): string[] {
  return [...new Set(problems.map(({ rule }) => remedyFor(rule, inForce)))];
}

function remedyFor(rule: PlanProblem['rule'], { behavior, isOfAppSpec }: BehaviorInForce): string {
  const with_ = (values: string) =>
    isOfAppSpec
      ? `set file_exists_behavior: ${values} in the AppSpec file, which goes before the deployment’s setting`
      : `deploy with file-exists-behavior ${values}`;
  switch (rule) {
    case 'file-exists':
      return `Move the files that exist out of the way, or ${with_('OVERWRITE')}, which replaces them (RETAIN keeps them).`;
    case 'other-group':
      return `Deploy this revision to the group that the files belong to, or ${with_('OVERWRITE')}, which takes them over from it.`;
    case 'other-group-cut-off':
      return 'Remove what keeps that group’s Install from being put right (the agent’s log names it), and deploy again.';
    case 'folder-for-file':
      return `Move the folder out of the way, or ${with_('OVERWRITE')}, which replaces it.`;
    case 'file-for-folder':
      return `Move the file out of the way, or name another destination in the AppSpec file${noHelp(behavior)}.`;
    case 'in-the-way':
      return `Move what is in the way elsewhere, or name another destination in the AppSpec file${noHelp(behavior)}.`;
    case 'source-missing':
      return 'Put the source into the bundle, or correct its name in the AppSpec file: it is relative to the bundle’s root, and case counts.';
    case 'source-escapes':
    case 'source-unusable':
      return 'Correct the source in the bundle: files, folders, and links that stay within it can be installed.';
    case 'destination-climbs':
    case 'destination-relative':
      return 'Write an absolute path without .. as the destination in the AppSpec file.';
    case 'duplicate-destination':
      return 'Correct the files section of the AppSpec file so that one source comes to each path.';
    case 'no-space':
    case 'no-inodes':
      return 'Make room on the file system that the message names.';
    case 'tool-missing':
      return 'Install the package that the message names, or take what needs it out of the AppSpec file.';
    case 'name-too-long':
      return 'Choose a shorter name or destination.';
    case 'untrusted-link':
      return 'Name the folder that the link leads to as the destination, if the link is meant to be there.';
    case 'own-place':
      return 'Name another destination in the AppSpec file; change what belongs to the agent on the host itself.';
    case 'unknown-user':
    case 'unknown-group':
      return 'Make the user or group on this host, or correct its name in the AppSpec file.';
    case 'permission-pattern':
    case 'permission-duplicate':
    case 'permission-acl':
      return 'Correct the permissions section of the AppSpec file.';
    case 'permission-unsafe':
      return 'Take the bits out of the mode in the AppSpec file, or allow them on this host with reject_unsafe_permissions_in_bundle: false.';
    case 'context-unconfined':
      return 'Choose a confined type in the AppSpec file, or allow this one on this host with reject_unconfined_selinux_in_bundle: false.';
  }
}

/** Tells an operator who has set OVERWRITE already why it did not help. */
function noHelp(behavior: FileExistsBehavior): string {
  return behavior === 'OVERWRITE' ? '; OVERWRITE replaces files by files, and folders only where nothing is lost' : '';
}
