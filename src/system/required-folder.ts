import { accessSync, constants, mkdirSync } from 'node:fs';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { mountOf } from './mounts.ts';
import { shellCommand } from './shell-word.ts';

/**
 * Makes a folder that the configuration names, if it is not there, and sees that this process can work in it.
 *
 * @throws SlipwayError DEPLOYMENT_ROOT_UNUSABLE
 */
export function requireFolder(key: 'root_dir' | 'pid_dir', folder: string, mode: number): void {
  try {
    mkdirSync(folder, { recursive: true, mode });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const mount = systemErrorCode(cause) === 'EROFS' ? mountOf(folder) : null;
    if (mount === null) {
      throw new SlipwayError('DEPLOYMENT_ROOT_UNUSABLE', `${key} ${folder} cannot be used: ${messageOf(cause)}`, {
        cause,
      });
    }
    const why = `the file system at ${mount.mountPoint} is mounted read-only`;
    throw new SlipwayError('DEPLOYMENT_ROOT_UNUSABLE', `${key} ${folder} cannot be used: ${why}`, {
      cause,
      remedy: `Mount it read-write (${shellCommand('mount', '-o', 'remount,rw', mount.mountPoint)}), or set ${key} to a folder on another file system.`,
    });
  }
}
