/** Makes a data folder of a backup: whole, or not at all. */
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, SlipwayError } from '../../errors.ts';
import { syncFolder } from '../../system/durable-file.ts';
import { lockOwner } from '../../system/instance-lock.ts';
import { problemOfCopy } from '../store/copy-database.ts';
import { invalid, readBackup } from './backup-file.ts';

export interface Restored {
  readonly entries: number;
  readonly hasDatabase: boolean;
  readonly hasSettings: boolean;
}

/**
 * Writes to a folder beside the data folder, checks all of it, and only then gives it the name.
 *
 * @param fd of the backup, at its beginning
 * @throws SlipwayError SERVER_ALREADY_RUNNING, SERVER_DATA_FOLDER, SERVER_BACKUP_INVALID; nothing is there then that was not before
 */
export function restore(fd: number, dataDir: string): Restored {
  requireEmpty(dataDir);
  const parent = dirname(dataDir);
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, `.${basename(dataDir)}.restore-`));
  try {
    const paths = writeEntries(fd, folder);
    for (const name of foldersOf(paths)) syncFolder(join(folder, name));
    if (!paths.has('master.key')) throw invalid('it has no master key');
    const hasDatabase = paths.has('slipway.db');
    const problem = hasDatabase ? problemOfCopy(join(folder, 'slipway.db')) : null;
    if (problem !== null) throw invalid(problem);
    giveToOwnerOf(dataDir, folder);
    // Somebody may have come in meanwhile; a folder that is not empty is not replaced by this call either.
    requireEmpty(dataDir);
    putInPlace(folder, dataDir);
    syncFolder(parent);
    return { entries: paths.size, hasDatabase, hasSettings: paths.has('server.env') };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function requireEmpty(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  const pid = lockOwner(join(dataDir, 'server.lock'));
  if (pid !== null)
    throw new SlipwayError('SERVER_ALREADY_RUNNING', `a server works on ${dataDir} already, with PID ${pid}`);
  if (!statSync(dataDir).isDirectory() || readdirSync(dataDir).length > 0)
    throw new SlipwayError('SERVER_DATA_FOLDER', `${dataDir} is not an empty folder; it was left as it is`, {
      remedy: 'Name a folder that is not there or empty with --data-dir, or move away what is in this one.',
    });
}

/** @returns the paths that were written */
function writeEntries(fd: number, folder: string): ReadonlySet<string> {
  const paths = new Set<string>();
  readBackup(fd, ({ path }) => {
    if (paths.has(path)) throw invalid(`it has ${path} twice`);
    paths.add(path);
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const target = openSync(file, 'wx', path === 'signer-ca.pem' ? 0o644 : 0o600);
    return {
      piece(bytes) {
        for (let done = 0; done < bytes.length; ) done += writeSync(target, bytes, done);
      },
      end() {
        fsyncSync(target);
        closeSync(target);
      },
    };
  });
  return paths;
}

/** Their names have to be on the disk before the whole gets its own. @returns folders below the new one, and itself as `.` */
function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set(['.']);
  for (const path of paths) for (let at = dirname(path); !folders.has(at); at = dirname(at)) folders.add(at);
  return folders;
}

/** Root restores for the user that the empty folder was made for: the server's. */
function giveToOwnerOf(dataDir: string, folder: string): void {
  if (process.getuid?.() !== 0 || !existsSync(dataDir)) return;
  const { uid, gid } = statSync(dataDir);
  chownSync(folder, uid, gid);
  for (const name of readdirSync(folder, { recursive: true })) chownSync(join(folder, String(name)), uid, gid);
}

/** An empty folder gives way to the one that takes its name. */
function putInPlace(folder: string, dataDir: string): void {
  try {
    renameSync(folder, dataDir);
  } catch (cause) {
    throw new SlipwayError('SERVER_DATA_FOLDER', `${dataDir} cannot be put in place: ${messageOf(cause)}`, {
      cause,
      remedy: 'If it is a mount point, restore into a folder below it, and name that one with --data-dir.',
    });
  }
}
