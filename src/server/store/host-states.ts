import { inChunks } from './chunks.ts';
import type { HostStateRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** What the last deployment of a group left on each of its hosts. A host without a row was never deployed to. */
export async function hostStatesOf(
  db: StoreReader,
  deploymentGroupId: string,
): Promise<ReadonlyMap<string, HostStateRow>> {
  const rows = await db
    .selectFrom('host_states')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .execute();
  return new Map(rows.map((row) => [row.instance_id, row]));
}

export async function putHostStates(tx: StoreTransaction, states: readonly HostStateRow[]): Promise<void> {
  for (const chunk of inChunks(states)) {
    await tx
      .insertInto('host_states')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['deployment_group_id', 'instance_id']).doUpdateSet((eb) => ({
          health: eb.ref('excluded.health'),
          revision_identity: eb.ref('excluded.revision_identity'),
        })),
      )
      .execute();
  }
}
