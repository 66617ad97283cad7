/** Finds the processes that keep others from writing a database of SQLite. */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { shownCommand } from '../process.ts';

/** Transactions of the server take milliseconds, and those of `slipway keys` do. */
const SAMPLES = 8;
const SAMPLE_MS = 250;

export interface LockHolder {
  readonly pid: number;
  readonly name: string;
}

/**
 * The process that holds a lock for writing for two seconds on end; null: none does. Read from /proc/locks, so that nobody is kept waiting.
 *
 * @param files the database and the index of its write-ahead log: SQLite locks one or the other
 * @param except the server itself
 */
export async function holderOfLock(files: readonly string[], except: number | null): Promise<LockHolder | null> {
  const inodes = files.flatMap(inodeOf);
  let suspects = new Set(writersAmong(readLocks(), inodes).filter((pid) => pid !== except && pid !== process.pid));
  for (let sample = 1; sample < SAMPLES && suspects.size > 0; sample += 1) {
    await delay(SAMPLE_MS);
    suspects = suspects.intersection(new Set(writersAmong(readLocks(), inodes)));
  }
  const [pid] = suspects;
  return pid === undefined ? null : { pid, name: shownCommand(pid) || '(its name is not shown)' };
}

/** Lines such as `1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 120 120`: pid, device, inode, range. Pure. */
export function writersAmong(text: string, inodes: readonly number[]): number[] {
  return text.split('\n').flatMap((line) => {
    const [, pid, inode] = /^\d+: POSIX\s+ADVISORY\s+WRITE\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line) ?? [];
    return inode !== undefined && inodes.includes(Number(inode)) ? [Number(pid)] : [];
  });
}

function inodeOf(file: string): number[] {
  try {
    return [statSync(file).ino];
  } catch {
    return [];
  }
}

function readLocks(): string {
  try {
    return readFileSync('/proc/locks', 'utf8');
  } catch {
    return '';
  }
}
