/** The server's data folder at its start: made and locked, or said what keeps the server from it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { type InstanceLock, takeInstanceLock } from '../system/instance-lock.ts';
import { dataFolderFault } from './store/data-folder-fault.ts';

/**
 * Makes the folder, for its owner alone, and takes its lock.
 *
 * @throws SlipwayError SERVER_ALREADY_RUNNING; SERVER_DATA_FOLDER with the remedy of the case: a read-only mount, a full disk, a file in its
 * place, rights
 */
export function openDataFolder(dataDir: string): InstanceLock {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return takeInstanceLock(
      join(dataDir, 'server.lock'),
      (pid) => new SlipwayError('SERVER_ALREADY_RUNNING', `a server works on ${dataDir} already, with PID ${pid}`),
    );
  } catch (cause) {
    throw dataFolderFault(dataDir, cause);
  }
}
