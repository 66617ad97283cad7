import type { ApplicationRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function findApplication(db: StoreReader, name: string): Promise<ApplicationRow | null> {
  const row = await db.selectFrom('applications').selectAll().where('application_name', '=', name).executeTakeFirst();
  return row ?? null;
}

export async function findApplicationById(db: StoreReader, applicationId: string): Promise<ApplicationRow | null> {
  const row = await db
    .selectFrom('applications')
    .selectAll()
    .where('application_id', '=', applicationId)
    .executeTakeFirst();
  return row ?? null;
}

/** The application, which nobody renames or deletes until the transaction ends. For transactions that make something that belongs to it. */
export async function holdApplication(tx: StoreTransaction, name: string): Promise<ApplicationRow | null> {
  const row = await tx
    .selectFrom('applications')
    .selectAll()
    .where('application_name', '=', name)
    .forShare()
    .executeTakeFirst();
  return row ?? null;
}

/** The application, to be renamed, tagged or deleted: waits for the holder, and others wait. */
export async function lockApplication(tx: StoreTransaction, name: string): Promise<ApplicationRow | null> {
  const row = await tx
    .selectFrom('applications')
    .selectAll()
    .where('application_name', '=', name)
    .forNoKeyUpdate()
    .executeTakeFirst();
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

/**
 * Deletes the application with its groups, revisions and deployments, and what its groups knew of hosts. It must be locked. Deployments
 * that go on are waited for, and then their groups: that is the order in which an ending deployment holds them.
 */
export async function deleteApplication(tx: StoreTransaction, applicationId: string): Promise<void> {
  const ofApplication = tx
    .selectFrom('deployments')
    .select('deployment_id')
    .where('application_id', '=', applicationId);
  await ofApplication.where('completed_at_ms', 'is', null).orderBy('deployment_id').forUpdate().execute();
  const groups = tx
    .selectFrom('deployment_groups')
    .select('deployment_group_id')
    .where('application_id', '=', applicationId);
  await groups.orderBy('deployment_group_id').forUpdate().execute();
  await tx.deleteFrom('host_states').where('deployment_group_id', 'in', groups).execute();
  await tx.deleteFrom('applications').where('application_id', '=', applicationId).execute();
}
