/**
 * One Install at a time on a host, across deployment groups and processes. A plan says what is where, and whose it is; that must still be
 * so when it is carried out. Without the lock, two groups that bring the same file would both find nothing there, and the second would
 * replace the first one's new file.
 */
import { join } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { type ProcessLockContext, withProcessLock } from './process-lock.ts';

/** A server gives an event an hour; what has waited for half of it has the other half for itself. */
export const INSTALL_WAIT_MS = 30 * 60_000;

/** @throws SlipwayError DEPLOYMENT_INSTALL_BUSY naming the process that installs */
export async function withInstallLock<T>(
  ctx: ProcessLockContext & { readonly rootDir: string },
  waitMs: number,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const lockFile = join(ctx.rootDir, '.slipway', 'install-lock');
  const busy = (holder: string) =>
    new SlipwayError('DEPLOYMENT_INSTALL_BUSY', `${holder} is installing for another deployment group`);
  return withProcessLock(ctx, { lockFile, waitMs, busy, ...(signal && { signal }) }, work);
}
