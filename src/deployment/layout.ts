import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { LOCAL_ID_SUFFIX } from '../protocol/wire-text.ts';
import { replaceFile } from '../system/durable-file.ts';

/**
 * Where everything of a deployment is on disk, below `root_dir`. The tree is the official agent's, so that an operator who knows it, and
 * the tools that read it, find everything where it was.
 */
export interface DeploymentPaths {
  /** `<group id>`: all deployments of one deployment group. */
  readonly groupDir: string;
  readonly deploymentDir: string;
  /** Called so whatever its type is. */
  readonly bundleFile: string;
  readonly archiveDir: string;
  readonly scriptsLog: string;
  /** ETag seen at the download, without quotes. */
  readonly eTagFile: string;
  readonly bundleSourceFile: string;
}

/** Files that hold the absolute path of a deployment's folder. */
export interface GroupPointers {
  /** Written by Install, so that a deployment whose later hooks fail counts, too. */
  readonly lastSuccessful: string;
  /** Written by DownloadBundle. */
  readonly mostRecent: string;
}

export function deploymentPaths(rootDir: string, groupId: string, deploymentId: string): DeploymentPaths {
  const groupDir = join(rootDir, groupId);
  const deploymentDir = join(groupDir, deploymentId);
  return {
    groupDir,
    deploymentDir,
    bundleFile: join(deploymentDir, 'bundle.tar'),
    archiveDir: archiveDirOf(deploymentDir),
    scriptsLog: join(deploymentDir, 'logs/scripts.log'),
    eTagFile: join(deploymentDir, '.bundle-etag'),
    bundleSourceFile: join(deploymentDir, '.bundle-source'),
  };
}

export function isLocalDeployment(deploymentId: string): boolean {
  return deploymentId.endsWith(LOCAL_ID_SUFFIX);
}

/** Folders below `root_dir` that are no deployment group's. */
const OWN_FOLDERS: readonly string[] = ['.slipway', 'deployment-instructions', 'deployment-logs'];

/** Folders that the configuration may put below `root_dir`. */
export interface ConfiguredFolders {
  readonly rootDir: string;
  readonly ongoingDeploymentTracking: string;
  readonly logDir: string;
  readonly pidDir: string;
}

/** Names that no deployment group and no deployment may have, because the agent keeps its own things in such folders. */
export function reservedIds(config: ConfiguredFolders): readonly string[] {
  const { rootDir, ongoingDeploymentTracking, logDir, pidDir } = config;
  const below = [logDir, pidDir].map((folder) => relative(rootDir, folder).split(sep)[0] ?? '');
  return [...OWN_FOLDERS, ongoingDeploymentTracking, ...below.filter((name) => name !== '' && name !== '..')];
}

/** Whether a folder is the agent's own under every configuration. */
export function isOwnFolder(name: string): boolean {
  return OWN_FOLDERS.includes(name);
}

export function archiveDirOf(deploymentDir: string): string {
  return join(deploymentDir, 'deployment-archive');
}

/** Path of the note that is there while an archive may not be on the disk yet; see `archive-durability.ts`. */
export function unsyncedNoteOf(deploymentDir: string): string {
  return join(deploymentDir, '.archive-unsynced');
}

export function instructionsDir(rootDir: string): string {
  return join(rootDir, 'deployment-instructions');
}

export function groupPointers(rootDir: string, groupId: string): GroupPointers {
  const at = (suffix: string) => join(instructionsDir(rootDir), `${groupId}_${suffix}`);
  return { lastSuccessful: at('last_successful_install'), mostRecent: at('most_recent_install') };
}

/** Files that say what a group has installed, and what its next Install has to take away. */
export function installedFilesRecords(rootDir: string, groupId: string): readonly string[] {
  return ['-cleanup', '-manifest', '-install.json'].map((suffix) =>
    join(instructionsDir(rootDir), `${groupId}${suffix}`),
  );
}

/** @returns the folder of the deployment that a pointer names; null: there has been none yet */
export function readPointer(pointer: string): string | null {
  const deploymentDir = readIfThere(pointer)?.trim() ?? '';
  // A file that somebody emptied or garbled must not turn into a path below whatever folder the agent stands in.
  return isAbsolute(deploymentDir) ? deploymentDir : null;
}

/** Does not wait for the disk: a power cut may leave the pointer as it was, or empty. */
export function writePointer(pointer: string, deploymentDir: string): void {
  replaceFile(pointer, deploymentDir);
}

/** @returns the ETag that was seen when the deployment's bundle was downloaded; null: none */
export function readDownloadedETag({ eTagFile }: Pick<DeploymentPaths, 'eTagFile'>): string | null {
  return readIfThere(eTagFile)?.trim() || null;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Where pipes of scripts have names for a moment. */
export function pipesFolder(rootDir: string): string {
  return join(rootDir, '.slipway', 'pipes');
}

/** Revisions that are being removed. */
export function setAsideDir(rootDir: string): string {
  return join(rootDir, '.slipway', 'set-aside');
}

/** Path of the output of the last update of the agent that the service ordered. */
export function updateLogFile(rootDir: string, programName: string): string {
  return join(rootDir, 'deployment-logs', `${programName}-update.log`);
}

export function deploymentsLogFile(rootDir: string, programName: string): string {
  return join(rootDir, 'deployment-logs', `${programName}-deployments.log`);
}
