import { accessSync, constants, mkdirSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';

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
    throw new SlipwayError('DEPLOYMENT_ROOT_UNUSABLE', `${key} ${folder} cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}
