/**
 * The deployment groups that have left something on this host, whichever tool deployed to them: Slipway's history has their names, the
 * official agents' layout only their ids.
 */
import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { groupsWithHistory, type HistoryEntry, readHistory } from './history.ts';
import { groupPointers, instructionsDir, isLocalDeployment, isOwnFolder, readPointer } from './layout.ts';

export interface GroupOnHost {
  readonly id: string;
  /** As the last deployment from a server called it, or else the last local one; null: this host does not know. */
  readonly names: GroupNames | null;
  /** Names that earlier deployments used. */
  readonly formerNames: readonly GroupNames[];
  /** The folder of the deployment that is installed; null: none. */
  readonly current: string | null;
}

export interface GroupNames {
  readonly application: string;
  readonly group: string;
}

/** @see the official agents' layout, `deployment-instructions`: what begins with a group's id */
const RECORD =
  /^(.+?)(?:_last_successful_install|_most_recent_install|-cleanup|-manifest|-install\.json|-install\.journal)$/;
/** Folders of a group are named after deployments: by servers, by local tools, and by the official agent 2.x's `deploy-local`. */
const DEPLOYMENT_FOLDER = /^(d-[A-Z0-9]+(-local)?|local-\d+)$/;

/** @returns sorted by id */
export function groupsOnHost(rootDir: string): readonly GroupOnHost[] {
  const ids = new Set([...groupsWithHistory(rootDir), ...idsOfRecords(rootDir), ...idsOfFolders(rootDir)]);
  return [...ids]
    .filter((id) => !isOwnFolder(id))
    .sort()
    .map((id) => groupOnHost(rootDir, id));
}

function groupOnHost(rootDir: string, id: string): GroupOnHost {
  const history = readHistory(rootDir, id).toReversed();
  const newest = history.find(({ deploymentId }) => !isLocalDeployment(deploymentId)) ?? history[0];
  const names = newest === undefined ? null : namesOf(newest);
  return {
    id,
    names,
    formerNames: history.filter((entry) => entry !== newest).map(namesOf),
    current: readPointer(groupPointers(rootDir, id).lastSuccessful),
  };
}

function namesOf({ applicationName, deploymentGroupName }: HistoryEntry): GroupNames {
  return { application: applicationName, group: deploymentGroupName };
}

/** `APPLICATION/GROUP (id)`; the id alone where this host knows no names. */
export function describeGroup({ id, names }: Pick<GroupOnHost, 'id' | 'names'>): string {
  return names === null ? id : `${names.application}/${names.group} (${id})`;
}

/** The same for an id; reads the disk. */
export function describeGroupId(rootDir: string, id: string): string {
  return describeGroup(groupOnHost(rootDir, id));
}

function idsOfRecords(rootDir: string): string[] {
  return namesIn(instructionsDir(rootDir)).flatMap((name) => RECORD.exec(name)?.[1] ?? []);
}

/** A group whose first deployment has not come to its Install has a folder and no record. The tracking folder has files called so. */
function idsOfFolders(rootDir: string): string[] {
  const isDeployment = (entry: Dirent) => entry.isDirectory() && DEPLOYMENT_FOLDER.test(entry.name);
  return namesIn(rootDir).filter((id) => entriesIn(join(rootDir, id)).some(isDeployment));
}

function namesIn(folder: string): string[] {
  return entriesIn(folder).map(({ name }) => name);
}

function entriesIn(folder: string): Dirent[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A file, or a folder of somebody else's: no group's.
    return [];
  }
}
