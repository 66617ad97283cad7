/** Rows that say when they are to be looked at again, of all kinds. */
import type { StoreTransaction } from './store.ts';

const TABLES = ['orders', 'notice_queues', 'scaling_hooks', 'lifecycle_actions', 'suspensions', 'deployments'] as const;

/** Has everything looked at now that would be looked at later. A look that comes early finds nothing to do, and names its time anew. */
export async function wakeAll(tx: StoreTransaction, nowMs: number): Promise<void> {
  for (const table of TABLES) {
    await tx.updateTable(table).set({ wake_at_ms: nowMs }).where('wake_at_ms', '>', nowMs).execute();
  }
}
