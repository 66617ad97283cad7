/** Changes of the revision store, as the audit log keeps them. */
import type { Clock } from '../../system/clock.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import type { Role } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { auditEntryOf } from './audited-call.ts';

interface RevisionChange {
  readonly requestId: string;
  readonly caller: { readonly accessKeyId: string; readonly role: Role };
  readonly operation: string;
  readonly bucket: string;
  readonly objects: readonly { readonly key: string; readonly version: string | null }[];
}

/** Keeps what a request to the revision store has changed. One object stands in the entry by itself, several as a list. */
export async function keepRevisionChange(
  { store, clock }: { readonly store: Pick<Store, 'transaction'>; readonly clock: Pick<Clock, 'now'> },
  { requestId, caller, operation, bucket, objects }: RevisionChange,
): Promise<void> {
  const [first] = objects;
  const members = { bucket, ...(objects.length === 1 ? first : objects.length === 0 ? {} : { objects }) };
  const { accessKeyId: actor, role } = caller;
  const call = { requestId, actor, role, operation: `s3:${operation}`, members };
  await store.transaction((tx) => insertAuditEntry(tx, auditEntryOf(call, null, clock.now())));
}
