import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { mountOf } from './mounts.ts';
import { shellCommand } from './shell-word.ts';

/**
 * Makes a folder that the configuration names, if it is not there, and sees that this process can work in it.
 *
 * @throws SlipwayError DEPLOYMENT_ROOT_UNUSABLE with the cause and what helps against it
 */
export function requireFolder(key: 'root_dir' | 'pid_dir', folder: string, mode: number): void {
  try {
    mkdirSync(folder, { recursive: true, mode });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const cause = realCause(folder, mode, error);
    const { why, remedy } = explain(key, folder, cause);
    throw new SlipwayError('DEPLOYMENT_ROOT_UNUSABLE', `${key} ${folder} cannot be used: ${why}`, {
      cause,
      ...(remedy === null ? {} : { remedy }),
    });
  }
}

/** Node says of a folder with its parents that it is not there, whatever kept it from being made. The first one that is missing tells. */
function realCause(folder: string, mode: number, error: unknown): unknown {
  if (systemErrorCode(error) !== 'ENOENT') return error;
  let first = folder;
  while (!existsSync(dirname(first)) && dirname(first) !== first) first = dirname(first);
  try {
    mkdirSync(first, { mode });
    return error;
  } catch (cause) {
    return cause;
  }
}

function explain(key: string, folder: string, cause: unknown): { why: string; remedy: string | null } {
  const why = messageOf(cause);
  const elsewhere = `set ${key} to another folder`;
  switch (systemErrorCode(cause)) {
    case 'EROFS': {
      const mount = mountOf(folder);
      if (mount === null) return { why, remedy: null };
      const remount = shellCommand('mount', '-o', 'remount,rw', mount.mountPoint);
      return {
        why: `the file system at ${mount.mountPoint} is mounted read-only`,
        remedy: `Mount it read-write (${remount}), or set ${key} to a folder on another file system.`,
      };
    }
    case 'EACCES':
    case 'EPERM':
      return {
        why,
        remedy: `${isRoot() ? IMMUTABLE : 'Give this user the folder (chown), or run it as root'}, or ${elsewhere}.`,
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return { why, remedy: `Make room on its file system (bytes or inodes: df, df -i), or ${elsewhere}.` };
    case 'ENOTDIR':
    case 'EEXIST':
      return { why, remedy: `A file stands where a folder should be: move it away, or ${elsewhere}.` };
    default:
      return { why, remedy: null };
  }
}

/** Remedy for root. Root lacks the right only on an immutable folder, on a network file system, or under limits of the service's unit. */
const IMMUTABLE = 'Not even root may do this: take off the flag of immutable folders (lsattr, chattr -i)';

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
