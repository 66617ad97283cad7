import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type SlipwayError, systemErrorCode } from '../errors.ts';
import { startTimeOf } from './processes.ts';

/** That this process is the only one of its name here. */
export interface InstanceLock {
  release(): void;
}

/** Each means that somebody else has taken the lock and let go of it meanwhile. */
const TRIES = 100;

/**
 * Takes a lock file. One whose owner is gone is taken over: the owner is known by pid and start time, so another process that got the same
 * pid later does not count.
 *
 * @param onTaken makes the error for the case that its owner lives
 */
export function takeInstanceLock(lockFile: string, onTaken: (pid: number) => SlipwayError): InstanceLock {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o755 });
  const own = `${process.pid} ${startTimeOf(process.pid) ?? ''}`;
  // Linked, not written, to its name: a lock that is there and says nothing yet would look like one whose owner is gone.
  const prepared = `${lockFile}.${process.pid}`;
  writeFileSync(prepared, own, { mode: 0o644 });
  try {
    for (let tries = 1; ; tries += 1) {
      try {
        linkSync(prepared, lockFile);
        break;
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST' || tries === TRIES) throw error;
        const owner = readOwner(lockFile);
        if (owner === null) continue;
        if (owner.text !== own && isAlive(owner)) throw onTaken(owner.pid);
        removeAbandoned(lockFile, owner.text);
      }
    }
  } finally {
    rmSync(prepared, { force: true });
  }
  return {
    release() {
      if (readOwner(lockFile)?.text === own) rmSync(lockFile, { force: true });
    },
  };
}

/** @returns the PID of the process that holds a lock; null: none does. @throws Error when the file is there and cannot be read */
export function lockOwner(lockFile: string): number | null {
  const owner = readOwner(lockFile);
  return owner !== null && isAlive(owner) ? owner.pid : null;
}

/** Of two that find the same owner gone, the slower one must not take away the lock that the other has made meanwhile. */
function removeAbandoned(lockFile: string, text: string): void {
  const aside = `${lockFile}.${process.pid}.abandoned`;
  try {
    renameSync(lockFile, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (readOwner(aside)?.text !== text) linkSync(aside, lockFile);
  } finally {
    rmSync(aside, { force: true });
  }
}

interface Owner {
  readonly pid: number;
  readonly startTime: string;
  readonly text: string;
}

function isAlive({ pid, startTime }: Owner): boolean {
  return startTimeOf(pid) === startTime;
}

function readOwner(lockFile: string): Owner | null {
  try {
    const text = readFileSync(lockFile, 'utf8');
    const [pid = '', startTime = ''] = text.split(' ');
    return { pid: Number(pid), startTime, text };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
