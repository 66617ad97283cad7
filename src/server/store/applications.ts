import type { ApplicationRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function findApplication(db: StoreReader, name: string): Promise<ApplicationRow | null> {
  const row = await db.selectFrom('applications').selectAll().where('application_name', '=', name).executeTakeFirst();
  return row ?? null;
}

/** A page of names in the order of their bytes, from the one behind `after` on. */
export async function listApplicationNames(db: StoreReader, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('applications')
    .select('application_name')
    .where('application_name', '>', after)
    .orderBy('application_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.application_name);
}

export async function insertApplication(tx: StoreTransaction, row: ApplicationRow): Promise<void> {
  await tx.insertInto('applications').values(row).execute();
}

export async function renameApplication(tx: StoreTransaction, applicationId: string, name: string): Promise<void> {
  await tx
    .updateTable('applications')
    .set({ application_name: name })
    .where('application_id', '=', applicationId)
    .execute();
}

/** Deletes the application with its groups, revisions and deployments. */
export async function deleteApplication(tx: StoreTransaction, applicationId: string): Promise<void> {
  await tx.deleteFrom('applications').where('application_id', '=', applicationId).execute();
}
