/**
 * A lock file that tells whose it is: pid and start time, so that another process that got the same pid later does not count.
 *
 * It is made whole under another name and then linked, so nobody ever reads a half of it. Exactly one process takes over a lock whose owner
 * is gone. It first takes a second lock, named after the very text of the stale one. Then it reads the stale lock again, and only if that
 * text still stands replaces it. A process that read the stale text long ago finds another text then. A process that dies in between leaves
 * a stale second lock, which is taken over in the same way.
 */
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type SlipwayError, systemErrorCode } from '../errors.ts';
import { mayStillRun, startTimeOf } from './processes.ts';

/** That this process is the only one of its name here. */
export interface InstanceLock {
  release(): void;
}

/** Error codes of file systems that have no hard links. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
/** More takers at one instant than that are none of ours. */
const MAX_TRIES = 100;

/**
 * Takes a lock file. One whose owner is gone is taken over.
 *
 * @param onTaken makes the error for the case that its owner lives
 */
export function takeInstanceLock(lockFile: string, onTaken: (pid: number) => SlipwayError): InstanceLock {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o755 });
  const own = `${process.pid} ${startTimeOf(process.pid) ?? ''}`;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (putNew(lockFile, own)) return heldLock(lockFile, own);
    const text = readIfThere(lockFile);
    if (text === null) continue;
    const owner = text === own ? null : livingOwner(text);
    if (owner !== null) throw onTaken(owner);
    const claim = takeInstanceLock(`${lockFile}.${nameOf(text)}`, onTaken);
    try {
      if (readIfThere(lockFile) === text) {
        put(lockFile, own, renameSync);
        return heldLock(lockFile, own);
      }
    } finally {
      claim.release();
    }
  }
  throw new Error(`${lockFile} changes its owner all the time`);
}

/** @returns the PID of the process that holds a lock; null: none does. @throws Error when the file is there and cannot be read */
export function lockOwner(lockFile: string): number | null {
  const text = readIfThere(lockFile);
  return text === null ? null : livingOwner(text);
}

function heldLock(lockFile: string, own: string): InstanceLock {
  return {
    release() {
      if (readIfThere(lockFile) === own) rmSync(lockFile, { force: true });
    },
  };
}

/** @returns false: there is one */
function putNew(lockFile: string, text: string): boolean {
  try {
    put(lockFile, text, linkSync);
    return true;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  }
  try {
    writeFileSync(lockFile, text, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function put(lockFile: string, text: string, inPlace: (from: string, to: string) => void): void {
  const temporary = `${lockFile}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    inPlace(temporary, lockFile);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @returns the PID of the owner that a lock names; null: it is gone */
function livingOwner(text: string): number | null {
  const [pid = '', startTime = ''] = text.trim().split(' ');
  // Where nobody can tell when a process began, any that has the number counts as the owner.
  return mayStillRun(Number(pid), startTime) ? Number(pid) : null;
}

function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function readIfThere(lockFile: string): string | null {
  try {
    return readFileSync(lockFile, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
