/** Keeps counts true: what a quota limits is made by one transaction at a time. */
import type { QuotaRow } from './schema.ts';
import type { StoreTransaction } from './store.ts';

/** Nobody else makes one of these until the transaction ends. Groups need no such lock: their application is locked. */
export async function lockQuota(tx: StoreTransaction, quota: QuotaRow['quota']): Promise<void> {
  await tx.selectFrom('quotas').select('quota').where('quota', '=', quota).forUpdate().execute();
}

export async function countOf(tx: StoreTransaction, table: 'applications' | 'deployment_configs'): Promise<number> {
  const { count } = await tx
    .selectFrom(table)
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function countGroupsOf(tx: StoreTransaction, applicationId: string): Promise<number> {
  const { count } = await tx
    .selectFrom('deployment_groups')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('application_id', '=', applicationId)
    .executeTakeFirstOrThrow();
  return Number(count);
}
