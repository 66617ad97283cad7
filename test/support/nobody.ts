import { spawnSync } from 'node:child_process';
import { SLIPWAY } from './slipway.ts';

/** Runs what follows as a user who owns nothing. */
export const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;

/** Whether this test run may act as that user, and that user may read the checkout. */
export const mayActAsNobody = isOpen();

function isOpen(): boolean {
  if (process.getuid?.() !== 0) return false;
  const [program, ...args] = AS_NOBODY;
  return [SLIPWAY, process.execPath].every((file) => spawnSync(program, [...args, 'test', '-r', file]).status === 0);
}
