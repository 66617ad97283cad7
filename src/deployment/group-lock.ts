/**
 * Lock of a deployment group, across processes. The agent's executor, a local deployment, a rollback and `reset-group` share the group's
 * pointers, its cleanup file and its journal. So only one of them works at a time.
 */
import { join } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { type ProcessLockContext, withProcessLock } from './process-lock.ts';

/** How long the agent waits for a person's local deployment: shorter than the five minutes after which a server gives an event up. */
export const AGENT_WAIT_MS = 4 * 60_000;

/**
 * Does some work while nobody else works in the group.
 *
 * @param waitMs how long to wait for the process that does; 0: not at all
 * @throws SlipwayError DEPLOYMENT_GROUP_BUSY naming the process that works there
 */
export async function withGroupLock<T>(
  ctx: ProcessLockContext & { readonly rootDir: string },
  deploymentGroupId: string,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const lockFile = join(ctx.rootDir, '.slipway', 'locks', deploymentGroupId);
  const busy = (holder: string) =>
    new SlipwayError('DEPLOYMENT_GROUP_BUSY', `${holder} is deploying in the group ${deploymentGroupId}`);
  return withProcessLock(ctx, { lockFile, waitMs, busy }, work);
}
