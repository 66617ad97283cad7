import { auditEntryOf, madeBy } from '../audit/audited-call.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import { lockPower } from '../store/powers.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { IdentityContext, IdentityRequester } from './context.ts';

/**
 * Runs a transaction that holds the caller's power. So nothing is changed with a key that was disabled after the request had been let in.
 * Every change of this room goes through here, and leaves an entry in the audit log.
 *
 * @throws ApiError of `lockPower`
 */
export function changing<T>(
  { store, clock }: Pick<IdentityContext, 'store' | 'clock'>,
  caller: IdentityRequester,
  work: (tx: StoreTransaction) => Promise<T>,
): Promise<T> {
  return store.transaction(async (tx) => {
    await lockPower(tx, caller);
    const result = await work(tx);
    await insertAuditEntry(tx, auditEntryOf(caller.audited, madeBy(result), clock.now()));
    return result;
  });
}
