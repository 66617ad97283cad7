/**
 * One at a time in a deployment group, across processes: the agent's executor, a local deployment, a rollback and `reset-group` share the
 * group's pointers, its cleanup file and its journal.
 */
import { join } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { commandLineOf } from '../system/processes.ts';
import { type ProcessLockContext, withProcessLock } from './process-lock.ts';

/** How long the agent waits for a person's local deployment: shorter than the five minutes after which a server gives an event up. */
export const AGENT_WAIT_MS = 4 * 60_000;

/**
 * Does some work while nobody else works in the group.
 *
 * @param waitMs how long to wait for whoever does; 0: not at all
 * @throws SlipwayError DEPLOYMENT_GROUP_BUSY naming the process that works there
 */
export async function withGroupLock<T>(
  ctx: ProcessLockContext,
  deploymentGroupId: string,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lockFile = join(ctx.rootDir, '.slipway', 'locks', deploymentGroupId);
  return withProcessLock(ctx, { lockFile, waitMs, busy: (pid) => busy(deploymentGroupId, pid) }, work);
}

function busy(deploymentGroupId: string, pid: number): SlipwayError {
  return new SlipwayError(
    'DEPLOYMENT_GROUP_BUSY',
    `process ${pid} (${commandLineOf(pid).slice(0, 200)}) is deploying in the group ${deploymentGroupId}`,
  );
}
