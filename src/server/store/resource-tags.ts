/** Tags of applications and deployment groups, kept under the resource's ARN. */
import type { StoreReader, StoreTransaction } from './store.ts';
import type { Tag } from './tag.ts';

export async function putResourceTags(tx: StoreTransaction, arn: string, tags: readonly Tag[]): Promise<void> {
  for (const { Key, Value } of tags) {
    await tx
      .insertInto('resource_tags')
      .values({ resource_arn: arn, tag_key: Key, tag_value: Value })
      .onConflict((conflict) => conflict.columns(['resource_arn', 'tag_key']).doUpdateSet({ tag_value: Value }))
      .execute();
  }
}

/** Moves the tags of a resource that has another name now; `null` deletes them. */
export async function moveResourceTags(tx: StoreTransaction, fromArn: string, toArn: string | null): Promise<void> {
  const rows = await tx.deleteFrom('resource_tags').where('resource_arn', '=', fromArn).returningAll().execute();
  const tags = rows.map((row) => ({ Key: row.tag_key, Value: row.tag_value }));
  if (toArn !== null) await putResourceTags(tx, toArn, tags);
}

export async function deleteResourceTags(tx: StoreTransaction, arn: string, keys: readonly string[]): Promise<void> {
  await tx.deleteFrom('resource_tags').where('resource_arn', '=', arn).where('tag_key', 'in', keys).execute();
}

/** A page of tags in the order of their keys, from the one behind `after` on. */
export async function listResourceTags(db: StoreReader, arn: string, after: string, limit: number): Promise<Tag[]> {
  const rows = await db
    .selectFrom('resource_tags')
    .selectAll()
    .where('resource_arn', '=', arn)
    .where('tag_key', '>', after)
    .orderBy('tag_key')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ Key: row.tag_key, Value: row.tag_value }));
}
