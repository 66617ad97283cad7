/**
 * File modes below `root_dir` under `restrict_agent_dir_permissions`. Other users see nothing of the agent's own files. They reach only the
 * part of a revision that a script run as another user (`runas`) needs, and only by its path.
 *
 * @see the official agent 2.x, `restrict_agent_dir_permissions`
 */
import { chmodSync, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { archiveDirOf, instructionsDir } from './layout.ts';

/** Lets others pass through a folder by name, but not list it. */
const PASSAGE = 0o711;
const OWN_FOLDER = 0o700;
const OWN_FILE = 0o600;
const LOG_FOLDER = 0o750;
const LOG_FILE = 0o640;

/** Modes of what is made: what it holds at first must not be open for a moment. */
export interface FolderModes {
  readonly passage: number;
  readonly own: number;
  readonly logs: number;
  readonly logFile: number;
}

export function folderModes(restricted: boolean): FolderModes {
  return restricted
    ? { passage: PASSAGE, own: OWN_FOLDER, logs: LOG_FOLDER, logFile: LOG_FILE }
    : { passage: 0o755, own: 0o755, logs: 0o755, logFile: 0o644 };
}

/**
 * Restricts everything that is there, of whichever agent it is. Files that vanish meanwhile are skipped; links are left alone.
 *
 * @throws Error of the system for what is there and is another user's
 */
export function restrictFolders({
  rootDir,
  trackingDir,
}: {
  readonly rootDir: string;
  readonly trackingDir: string;
}): void {
  const own = new Set([join(rootDir, '.slipway'), instructionsDir(rootDir), trackingDir]);
  const logs = join(rootDir, 'deployment-logs');
  setMode(rootDir, PASSAGE);
  for (const folder of own) restrictFolder(folder, OWN_FOLDER, OWN_FILE);
  restrictFolder(logs, LOG_FOLDER, LOG_FILE);
  for (const group of foldersIn(rootDir)) {
    if (own.has(group) || group === logs) continue;
    setMode(group, PASSAGE);
    for (const deploymentDir of foldersIn(group)) {
      // Bundle, ETag and the like; the unpacked revision keeps the modes that it came with.
      restrictFolder(deploymentDir, PASSAGE, OWN_FILE);
      setMode(archiveDirOf(deploymentDir), PASSAGE);
      restrictFolder(join(deploymentDir, 'logs'), LOG_FOLDER, LOG_FILE);
    }
  }
}

function restrictFolder(folder: string, mode: number, fileMode: number): void {
  setMode(folder, mode);
  for (const entry of entriesOf(folder)) if (entry.isFile()) setMode(join(folder, entry.name), fileMode);
}

function foldersIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

function entriesOf(folder: string): Dirent[] {
  return unlessGone(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function setMode(path: string, mode: number): void {
  unlessGone(() => {
    const stats = lstatSync(path);
    if (!stats.isSymbolicLink() && (stats.mode & 0o7777) !== mode) chmodSync(path, mode);
  });
}

function unlessGone<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
