import { lockPower } from '../store/powers.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { IdentityCaller, IdentityContext } from './context.ts';

/**
 * Runs a transaction that holds the caller's power, so that nothing is changed with a key that was disabled after the request had been
 * let in. Every change of this room goes through here.
 *
 * @throws ApiError of `lockPower`
 */
export function changing<T>(
  { store }: Pick<IdentityContext, 'store'>,
  caller: IdentityCaller,
  work: (tx: StoreTransaction) => Promise<T>,
): Promise<T> {
  return store.transaction(async (tx) => {
    await lockPower(tx, caller);
    return work(tx);
  });
}
