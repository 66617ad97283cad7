/** Work that only one process of this host may do at a time; the second one waits, and says so. */
import { SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { type Clock, timeLimit } from '../system/clock.ts';
import { type InstanceLock, takeInstanceLock } from '../system/instance-lock.ts';
import { commandLineOf } from '../system/processes.ts';

export interface ProcessLockContext {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ProcessLockRequest {
  readonly lockFile: string;
  /** How long to wait for the process that holds it; 0: not at all. */
  readonly waitMs: number;
  /** Makes the error. @param holder `process 4711 (command line)` */
  busy(holder: string): SlipwayError;
  /** Aborting it ends the wait. */
  readonly signal?: AbortSignal;
}

const LOOK_AGAIN_MS = 200;
const SHOWN_COMMAND_LINE = 200;

/** @throws what `busy` makes; what `signal` was aborted with */
export async function withProcessLock<T>(
  ctx: ProcessLockContext,
  request: ProcessLockRequest,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await takeLock(ctx, request);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function takeLock(
  ctx: ProcessLockContext,
  { lockFile, waitMs, busy, signal }: ProcessLockRequest,
): Promise<InstanceLock> {
  using limit = timeLimit(ctx.clock, waitMs);
  for (let looks = 0; ; looks += 1) {
    const taken = tryLock(lockFile, busy);
    if (!(taken instanceof SlipwayError)) return taken;
    if (limit.isOver()) throw taken;
    if (looks === 0) ctx.log.warn(`${taken.message}; waiting for it`);
    await ctx.clock.sleep(LOOK_AGAIN_MS, signal);
    signal?.throwIfAborted();
  }
}

/** @returns the lock, or that somebody has it */
function tryLock(lockFile: string, busy: ProcessLockRequest['busy']): InstanceLock | SlipwayError {
  let taken: SlipwayError | undefined;
  try {
    return takeInstanceLock(lockFile, (pid) => {
      const commandLine = commandLineOf(pid).slice(0, SHOWN_COMMAND_LINE);
      taken = busy(commandLine === '' ? `process ${pid}` : `process ${pid} (${commandLine})`);
      return taken;
    });
  } catch (error) {
    if (taken !== undefined && error === taken) return taken;
    throw error;
  }
}
