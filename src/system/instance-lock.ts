import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type SlipwayError, systemErrorCode } from '../errors.ts';
import { startTimeOf } from './processes.ts';

/** That this process is the only one of its name here. */
export interface InstanceLock {
  release(): void;
}

/**
 * Takes a lock file. One whose owner is gone is taken over: the owner is known by pid and start time, so another process that got the same
 * pid later does not count.
 *
 * @param onTaken makes the error for the case that its owner lives
 */
export function takeInstanceLock(lockFile: string, onTaken: (pid: number) => SlipwayError): InstanceLock {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o755 });
  const own = `${process.pid} ${startTimeOf(process.pid) ?? ''}`;
  for (let tries = 0; ; tries += 1) {
    try {
      writeFileSync(lockFile, own, { flag: 'wx', mode: 0o644 });
      break;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST' || tries === 3) throw error;
      const owner = readOwner(lockFile);
      if (owner !== null && owner.text !== own && startTimeOf(owner.pid) === owner.startTime) throw onTaken(owner.pid);
      rmSync(lockFile, { force: true });
    }
  }
  return {
    release() {
      if (readOwner(lockFile)?.text === own) rmSync(lockFile, { force: true });
    },
  };
}

function readOwner(
  lockFile: string,
): { readonly pid: number; readonly startTime: string; readonly text: string } | null {
  try {
    const text = readFileSync(lockFile, 'utf8');
    const [pid = '', startTime = ''] = text.split(' ');
    return { pid: Number(pid), startTime, text };
  } catch {
    return null;
  }
}
