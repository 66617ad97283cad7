/** Back to a revision that is still on this host, with no server: what to go back to, and the plan for it. */
import { advisedCommand } from '../deployment/advised-command.ts';
import { describeGroup, type GroupOnHost } from '../deployment/groups-on-host.ts';
import { type HistoryEntry, isOnHost, readHistory } from '../deployment/history.ts';
import { deploymentPaths, groupPointers, isLocalDeployment, readPointer } from '../deployment/layout.ts';
import { SlipwayError } from '../errors.ts';
import { DEFAULT_LOCAL_EVENTS } from './events.ts';
import { findGroup } from './find-group.ts';
import type { LocalDeploymentPlan } from './plan.ts';

const NO_HISTORY_REMEDY =
  'Only another tool has deployed to this group here, and it keeps no list: bring the revision with `slipway deploy` or `slipway local`.';

export interface RollbackChoice extends HistoryEntry {
  /** Whether it is installed now. */
  readonly isCurrent: boolean;
  readonly isOnHost: boolean;
}

export interface RollbackRequest {
  readonly rootDir: string;
  /** As `findGroup` takes it; null: the only group there is. */
  readonly group: string | null;
  /** A deployment id; null: the newest good one before the current. */
  readonly to: string | null;
  /** The agent's configuration, for commands that are advised; null: the usual file. */
  readonly configFile?: string | null;
  /** Id of the deployment that the rollback is. */
  readonly deploymentId: string;
}

/** A plan, and what it is about. */
export interface RollbackPlan extends LocalDeploymentPlan {
  readonly group: GroupOnHost;
  readonly target: RollbackChoice;
}

/** Lists the deployments to a group, newest first. */
export function rollbackChoices(rootDir: string, groupId: string): readonly RollbackChoice[] {
  const current = readPointer(groupPointers(rootDir, groupId).lastSuccessful);
  return readHistory(rootDir, groupId)
    .map((entry) => ({
      ...entry,
      isCurrent: deploymentPaths(rootDir, groupId, entry.deploymentId).deploymentDir === current,
      isOnHost: isOnHost(rootDir, groupId, entry),
    }))
    .reverse();
}

/** The command runs as it is printed, also where the host has several groups. */
function remedyWithList({ configFile = null }: RollbackRequest, groupId: string): string {
  const list = advisedCommand({ configFile }, 'rollback', '--list', '--group', `id:${groupId}`);
  return `\`${list}\` shows what there is; \`slipway deploy\` brings a revision that is not on the host.`;
}

/**
 * @throws SlipwayError ROLLBACK_NO_GROUP; ROLLBACK_NO_REVISION when there is nothing to go back to, or what was asked for is not here any
 * more
 */
export function planRollback(request: RollbackRequest): RollbackPlan {
  const { rootDir, to, deploymentId } = request;
  const group = findGroup(rootDir, request.group);
  const { id: deploymentGroupId } = group;
  const choices = rollbackChoices(rootDir, deploymentGroupId);
  const target = to === null ? previousGood(choices) : choices.find((choice) => choice.deploymentId === to);
  if (target === undefined) {
    throw new SlipwayError(
      'ROLLBACK_NO_REVISION',
      to === null
        ? `no earlier revision of ${describeGroup(group)} that was deployed without a failure is on this host`
        : `${to} was not deployed to ${describeGroup(group)} on this host, or so long ago that it is forgotten`,
      { remedy: choices.length > 0 ? remedyWithList(request, deploymentGroupId) : NO_HISTORY_REMEDY },
    );
  }
  const { archiveDir } = deploymentPaths(rootDir, deploymentGroupId, target.deploymentId);
  if (!target.isOnHost) {
    throw new SlipwayError(
      'ROLLBACK_NO_REVISION',
      `the revision of ${target.deploymentId} is not at ${archiveDir} any more`,
      { remedy: remedyWithList(request, deploymentGroupId) },
    );
  }
  // The files of a server's deployment are taken again as for a restart, so that scripts see the same BUNDLE_… as the first time.
  const canReuse = !isLocalDeployment(target.deploymentId);
  const { applicationName, deploymentGroupName, appSpecFilename } = target;
  return {
    group,
    target,
    events: DEFAULT_LOCAL_EVENTS,
    specification: {
      deploymentId,
      deploymentGroupId,
      deploymentGroupName,
      applicationName,
      deploymentCreator: 'codeDeployRollback',
      deploymentType: 'IN_PLACE',
      appSpecFilename,
      fileExistsBehavior: 'DISALLOW',
      allPossibleLifecycleEvents: null,
      reuseArchiveFromDeploymentId: canReuse ? target.deploymentId : null,
      gitHubAccessToken: null,
      revision: canReuse ? target.revision : { revisionType: 'Local Directory', location: archiveDir },
    },
  };
}

/** After `reset-group` nothing says what is current; it is what was installed last, then, and not what to go back to. */
function previousGood(choices: readonly RollbackChoice[]): RollbackChoice | undefined {
  const current = Math.max(
    0,
    choices.findIndex(({ isCurrent }) => isCurrent),
  );
  return choices.slice(current + 1).find((choice) => choice.isOnHost && choice.failedEvent === null);
}
