/**
 * One fault for one deployment, and how it reaches the process that carries out commands.
 *
 * The fault lies in a file whose path is in the environment. `preload.ts`, which Node loads before the executor's own code, puts itself
 * between that code and `node:fs`; the program under test knows nothing of it.
 */

/** Calls that are counted. */
export type FaultPhase =
  /** Calls that change the disk below a deployment's own folder: the bundle's download and its unpacking. */
  | 'download'
  /** Calls that change the disk from the moment that Install's journal is there, wherever they go. */
  | 'install'
  /** Calls on the journal itself: every step of the transaction. */
  | 'journal';

export type Fault =
  | {
      /** Fault of the whole agent, or of the daemon alone, whose executor goes on. */
      readonly action: 'kill' | 'kill-daemon';
      readonly phase: FaultPhase;
      readonly call: number;
    }
  | {
      readonly action: 'error';
      readonly code: 'ENOSPC' | 'EIO' | 'EACCES';
      readonly phase: 'download' | 'install';
      readonly call: number;
    };

/** Names the file that holds the fault; when the fault has happened, the file is gone. */
export const FAULT_FILE_VARIABLE = 'TEST_FAULT_FILE';
