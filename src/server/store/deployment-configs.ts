import type { DeploymentConfigRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function findConfig(db: StoreReader, name: string): Promise<DeploymentConfigRow | null> {
  const row = await db
    .selectFrom('deployment_configs')
    .selectAll()
    .where('deployment_config_name', '=', name)
    .executeTakeFirst();
  return row ?? null;
}

/** The configuration, which nobody deletes until the transaction ends. For a group that is to use it. */
export async function holdConfig(tx: StoreTransaction, name: string): Promise<DeploymentConfigRow | null> {
  const row = await tx
    .selectFrom('deployment_configs')
    .selectAll()
    .where('deployment_config_name', '=', name)
    .forShare()
    .executeTakeFirst();
  return row ?? null;
}

/** The configuration, to be deleted: waits for the holder, and others wait. */
export async function lockConfig(tx: StoreTransaction, name: string): Promise<DeploymentConfigRow | null> {
  const row = await tx
    .selectFrom('deployment_configs')
    .selectAll()
    .where('deployment_config_name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

/** A page of names in the order of their bytes, from the one behind `after` on. */
export async function listConfigNames(db: StoreReader, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('deployment_configs')
    .select('deployment_config_name')
    .where('deployment_config_name', '>', after)
    .orderBy('deployment_config_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.deployment_config_name);
}

export async function insertConfig(tx: StoreTransaction, row: DeploymentConfigRow): Promise<void> {
  await tx.insertInto('deployment_configs').values(row).execute();
}

export async function deleteConfig(tx: StoreTransaction, name: string): Promise<void> {
  await tx.deleteFrom('deployment_configs').where('deployment_config_name', '=', name).execute();
}
