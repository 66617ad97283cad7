import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { systemErrorCode } from '../../errors.ts';

/** How many files and connections the system lets this process have; null where it does not say. */
export function openFilesLimit(): number | null {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/**
 * Whether this process, or the system, can open no more files. It has to be tried: when a connection cannot be accepted for that, Node
 * closes it and tells nobody.
 */
export function areFilesUsedUp(): boolean {
  try {
    closeSync(openSync(devNull, 'r'));
    return false;
  } catch (error) {
    const code = systemErrorCode(error);
    return code === 'EMFILE' || code === 'ENFILE';
  }
}
