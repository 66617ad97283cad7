/**
 * An unpacked revision comes to the disk by and by, and nobody waits for it: that would take as long as unpacking it. But the outcome of
 * DownloadBundle is durable at once, and after a power cut the server goes on with Install. So a note reaches the disk before the first
 * file. It says in which run of the machine the revision was unpacked, and is removed when the whole revision is on the disk. Found in a
 * later run, it says that files may be empty or missing, though they have their names.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { bootId } from '../system/boot-id.ts';
import { runDetachedShell } from '../system/detached-shell.ts';
import { writeFileDurably } from '../system/durable-file.ts';
import { type DeploymentPaths, unsyncedNoteOf } from './layout.ts';

/** A later try of the same deployment writes a note of its own, which the end of an earlier one's sync must not take away. */
const SYNC = `{ sync --file-system "$1" || { test -d "$1" && sync; }; } && test "$(cat "$2")" = "$3" && rm -f "$2"`;

export interface UnsyncedNote {
  /** The last file is made: begins to bring all of them to the disk. */
  bringToDisk(): void;
  /** Removes the note, because there is no archive. */
  remove(): void;
}

/** Call it before the first file of an archive is made. */
export function noteUnsynced({ deploymentDir, archiveDir }: DeploymentPaths): UnsyncedNote {
  const note = unsyncedNoteOf(deploymentDir);
  const text = `${bootId()} ${randomUUID()}`;
  writeFileDurably(note, text);
  return {
    // It may outlive this process, which may have no more work.
    bringToDisk: () => runDetachedShell(SYNC, ['slipway-sync', archiveDir, note, text], 'ignore'),
    remove: () => rmSync(note, { force: true }),
  };
}

/** Whether the machine went down before all of a deployment's archive was on the disk. */
export function isTorn(deploymentDir: string): boolean {
  try {
    const [boot] = readFileSync(unsyncedNoteOf(deploymentDir), 'utf8').split(' ');
    return boot !== bootId();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @throws SlipwayError DEPLOYMENT_ARCHIVE_TORN */
export function requireNotTorn(deploymentDir: string): void {
  if (!isTorn(deploymentDir)) return;
  throw new SlipwayError(
    'DEPLOYMENT_ARCHIVE_TORN',
    `this host went down before the revision in ${deploymentDir} was safely on its disk; files of it may be empty or missing`,
  );
}
