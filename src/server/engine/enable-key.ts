import type { Clock } from '../../system/clock.ts';
import { type Enabled, enableAccessKey } from '../store/access-keys.ts';
import { endConsoleSessionsOf } from '../store/console-sessions.ts';
import type { StoreTransaction } from '../store/store.ts';

/** Gives a key of people its power back, and ends the sessions that it had before: whoever had them signs in anew. */
export async function enableKey(
  tx: StoreTransaction,
  ctx: { readonly clock: Pick<Clock, 'now'> },
  accessKeyId: string,
): Promise<Enabled> {
  const enabled = await enableAccessKey(tx, accessKeyId);
  if (enabled === 'enabled') await endConsoleSessionsOf(tx, accessKeyId, ctx.clock.now());
  return enabled;
}
