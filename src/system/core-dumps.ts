/**
 * Core dumps of this process and of those that it starts from now on. A dump is an image of the memory, with the host's credentials in it.
 *
 * Only the soft limit moves, so that an application that a hook starts can have dumps again if it asks for them (`ulimit -c unlimited`).
 * Node cannot set limits of its own process; `prlimit` (util-linux) does it from outside.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { programEnvironment } from './program-environment.ts';

export interface CoreDumpLimit {
  /** Bytes, or `unlimited`; 0 is none. */
  readonly soft: string;
  readonly hard: string;
}

/** @param limits as /proc/<pid>/limits shows them. @returns null when they do not say */
export function parseCoreLimit(limits: string): CoreDumpLimit | null {
  const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  return soft === undefined || hard === undefined ? null : { soft, hard };
}

function coreLimitIn(file: string): CoreDumpLimit | null {
  try {
    return parseCoreLimit(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Returns the argument for `prlimit --core=`; null: the limit is right, or cannot be changed. */
export function changeOfCoreLimit({ soft, hard }: CoreDumpLimit, disabled: boolean): string | null {
  if (disabled) return soft === '0' ? null : '0:';
  return soft === '0' && hard !== '0' ? `${hard}:` : null;
}

/**
 * Sets the limit of this process.
 *
 * @param disabled false: dumps are wanted, as far as the hard limit goes
 * @param onFault is told why it could not be done; nothing depends on it
 * @param limitsFile where it cannot be read, dumps are switched off anyway, and never on
 */
export async function limitCoreDumps(
  disabled: boolean,
  onFault: (why: string) => void,
  limitsFile = '/proc/self/limits',
): Promise<void> {
  try {
    const limit = coreLimitIn(limitsFile) ?? { soft: 'unknown', hard: '0' };
    const change = changeOfCoreLimit(limit, disabled);
    if (change === null) return;
    await promisify(execFile)('prlimit', [`--pid=${process.pid}`, `--core=${change}`], {
      env: programEnvironment(),
    });
  } catch (error) {
    onFault(messageOf(error));
  }
}
