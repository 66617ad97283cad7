import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { kernelBootId } from './boot-id.ts';
import { readMountTable } from './mount-table.ts';
import { type ProcessView, processView } from './processes.ts';

/** Facilities of this machine that the agent can see and use. */
export interface MachineFacts {
  readonly processes: ProcessView;
  /** Whether the system shows which files this process has open. */
  readonly descriptors: boolean;
  readonly mounts: boolean;
  readonly bootId: boolean;
  /** Whether files can be made in memory. */
  readonly sharedMemory: boolean;
}

/** Never throws: what cannot be read is not there. */
export function readMachineFacts({ proc = '/proc', shm = '/dev/shm' } = {}): MachineFacts {
  return {
    processes: processView(proc),
    descriptors: canList(`${proc}/self/fd`),
    mounts: readMountTable(`${proc}/self/mountinfo`).length > 0,
    bootId: kernelBootId(`${proc}/sys/kernel/random/boot_id`) !== null,
    sharedMemory: isWritableFolder(shm),
  };
}

/** A process that lists this folder has it open, so the list is never empty. */
function canList(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
