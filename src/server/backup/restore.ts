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
import { mayStillRun, startTimeOf } from '../../system/processes.ts';
import { problemOfCopy } from '../store/copy-database.ts';
import { dataFolderFault } from '../store/data-folder-fault.ts';
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
  try {
    requireEmpty(dataDir);
    mkdirSync(dirname(dataDir), { recursive: true });
    removeLeftRestores(dataDir);
    return restoreBeside(fd, dataDir);
  } catch (error) {
    throw dataFolderFault(dataDir, error);
  }
}

function restoreBeside(fd: number, dataDir: string): Restored {
  const parent = dirname(dataDir);
  const owner = `${process.pid}-${startTimeOf(process.pid) ?? ''}`;
  const folder = mkdtempSync(join(parent, `${prefixOf(dataDir)}${owner}-`));
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

function prefixOf(dataDir: string): string {
  return `.${basename(dataDir)}.restore-`;
}

/** Removes the folders of restores that were killed, because they hold the master key. A folder's name says whose it is. */
function removeLeftRestores(dataDir: string): void {
  const parent = dirname(dataDir);
  const prefix = prefixOf(dataDir);
  for (const name of readdirSync(parent).filter((one) => one.startsWith(prefix))) {
    const [, pid = '', startTime = ''] = /^(\d+)-(\d*)-\w+$/.exec(name.slice(prefix.length)) ?? [];
    if (pid === '' || mayStillRun(Number(pid), startTime)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function requireEmpty(dataDir: string): void {
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (found === undefined) return;
  const pid = !found.isDirectory() ? null : lockOwner(join(dataDir, 'server.lock'));
  if (pid !== null)
    throw new SlipwayError('SERVER_ALREADY_RUNNING', `a server works on ${dataDir} already, with PID ${pid}`);
  if (!found.isDirectory() || readdirSync(dataDir).length > 0)
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
