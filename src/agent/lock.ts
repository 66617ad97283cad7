import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { startTimeOf } from '../system/processes.ts';

/** That this agent is the only one of its name here. */
export interface InstanceLock {
  release(): void;
}

/**
 * Takes the lock and writes the PID file. A lock whose owner is gone is taken over: the owner is known by pid and start time, so another
 * process that got the same pid later does not count.
 *
 * @throws SlipwayError AGENT_ALREADY_RUNNING with the pid of the one that runs
 */
export function takeInstanceLock(pidDir: string, programName: string): InstanceLock {
  mkdirSync(pidDir, { recursive: true, mode: 0o755 });
  const pidFile = join(pidDir, `${programName}.pid`);
  const lockFile = `${pidFile}.lock`;
  const own = `${process.pid} ${startTimeOf(process.pid) ?? ''}`;
  for (let tries = 0; ; tries += 1) {
    try {
      writeFileSync(lockFile, own, { flag: 'wx', mode: 0o644 });
      break;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST' || tries === 3) throw error;
      const owner = readOwner(lockFile);
      if (owner !== null && owner.text !== own && startTimeOf(owner.pid) === owner.startTime) {
        throw new SlipwayError('AGENT_ALREADY_RUNNING', `an agent runs already, with PID ${owner.pid} (${lockFile})`);
      }
      rmSync(lockFile, { force: true });
    }
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o644 });
  return {
    release() {
      if (readOwner(lockFile)?.text !== own) return;
      rmSync(pidFile, { force: true });
      rmSync(lockFile, { force: true });
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
