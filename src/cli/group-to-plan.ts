import { groupsOnHost } from '../deployment/groups-on-host.ts';
import { findGroup } from '../local/find-group.ts';
import { flagsOfGroup, type GroupFlags, type LocalDeployOptions, namedGroup } from './local-deploy.ts';

/**
 * The group that a plan is made for: the one that is named, else the only one of this host. A plan for another group would find all that is
 * installed in its way. On a host without groups it is the new one that `slipway local` would make.
 *
 * @throws SlipwayError ROLLBACK_NO_GROUP listing the groups of this host when there are several and none is named
 */
export function groupToPlanFor(rootDir: string, options: GroupFlags & Pick<LocalDeployOptions, 'group'>): GroupFlags {
  if (options.group !== undefined || options.deploymentGroup !== undefined) return namedGroup(rootDir, options);
  return groupsOnHost(rootDir).length === 0 ? {} : flagsOfGroup(findGroup(rootDir, null));
}
