/** The table of operations: all 47, in the order in which the documentation has them. */
import type { CodeDeployOperation } from '../../../../src/protocol/management/shapes.ts';
import { APPLICATIONS } from './applications.ts';
import { DEPLOYMENT_CONFIGS } from './deployment-configs.ts';
import { DEPLOYMENT_GROUPS } from './deployment-groups.ts';
import { DEPLOYMENTS } from './deployments.ts';
import { HOSTS } from './hosts.ts';
import type { Change, Members, Operation, Operations } from './operation.ts';
import { TAGS } from './tags.ts';
import { TARGETS } from './targets.ts';
import type { World } from './world.ts';

export const OPERATIONS: Operations<CodeDeployOperation> = {
  ...APPLICATIONS,
  ...DEPLOYMENT_CONFIGS,
  ...DEPLOYMENT_GROUPS,
  ...DEPLOYMENTS,
  ...TARGETS,
  ...HOSTS,
  ...TAGS,
};

export const OPERATION_NAMES = Object.keys(OPERATIONS) as CodeDeployOperation[];

export function membersOf(change: Change, world: World): Members {
  return typeof change === 'function' ? change(world) : change;
}

/** The good request of an operation with a change; members that the change has as null are left out. */
export function requestOf(operation: Operation, change: Change, world: World): Members {
  const members = { ...membersOf(operation.good, world), ...membersOf(change, world) };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}
