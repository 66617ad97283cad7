/**
 * One at a time in a deployment group, across processes: the agent's executor, a local deployment, a rollback and `reset-group` share the
 * group's pointers, its cleanup file and its journal.
 */
import { join } from 'node:path';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { type InstanceLock, takeInstanceLock } from '../system/instance-lock.ts';
import { commandLineOf } from '../system/processes.ts';

export interface GroupLockContext {
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long the agent waits for a person's local deployment: shorter than the five minutes after which a server gives an event up. */
export const AGENT_WAIT_MS = 4 * 60_000;
const LOOK_AGAIN_MS = 200;

/**
 * Does some work while nobody else works in the group.
 *
 * @param waitMs how long to wait for whoever does; 0: not at all
 * @throws SlipwayError DEPLOYMENT_GROUP_BUSY naming the process that works there
 */
export async function withGroupLock<T>(
  ctx: GroupLockContext,
  deploymentGroupId: string,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await takeLock(ctx, deploymentGroupId, waitMs);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function takeLock(ctx: GroupLockContext, deploymentGroupId: string, waitMs: number): Promise<InstanceLock> {
  const lockFile = join(ctx.rootDir, '.slipway', 'locks', deploymentGroupId);
  const giveUpAtMs = ctx.clock.now() + waitMs;
  for (let looks = 0; ; looks += 1) {
    try {
      return takeInstanceLock(lockFile, (pid) => busy(deploymentGroupId, pid));
    } catch (error) {
      if (!isSlipwayError(error, 'DEPLOYMENT_GROUP_BUSY') || ctx.clock.now() >= giveUpAtMs) throw error;
      if (looks === 0) ctx.log.warn(`${error.message}; waiting for it`, { deploymentGroupId });
    }
    await ctx.clock.sleep(LOOK_AGAIN_MS);
  }
}

function busy(deploymentGroupId: string, pid: number): SlipwayError {
  return new SlipwayError(
    'DEPLOYMENT_GROUP_BUSY',
    `process ${pid} (${commandLineOf(pid).slice(0, 200)}) is deploying in the group ${deploymentGroupId}`,
  );
}
