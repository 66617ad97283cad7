/** Tags of registered instances; a deregistered one has none. */
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import { inChunks } from './chunks.ts';
import type { InstanceRow, StoreSchema } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';
import type { Tag, TagFilter } from './tag.ts';

/** The tags of instances in the order of their keys; an instance without tags has no entry. */
export async function instanceTagsOf(
  db: StoreReader,
  instanceIds: readonly string[],
): Promise<ReadonlyMap<string, Tag[]>> {
  const tags = new Map<string, Tag[]>();
  for (const chunk of inChunks(instanceIds)) {
    const rows = await db
      .selectFrom('instance_tags')
      .selectAll()
      .where('instance_id', 'in', chunk)
      .orderBy('tag_key')
      .execute();
    for (const { instance_id, tag_key: Key, tag_value: Value } of rows) {
      const own = tags.get(instance_id);
      if (own === undefined) tags.set(instance_id, [{ Key, Value }]);
      else own.push({ Key, Value });
    }
  }
  return tags;
}

/**
 * Lists a page of the names of instances that any one of the filters matches. The names are in the order of their bytes, from the one
 * behind `after` on. Each filter has an index of its own, so a page costs the same however many instances there are.
 */
export async function listTaggedNames(
  db: StoreReader,
  filters: readonly TagFilter[],
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const names = new Set<string>();
  for (const filter of filters) {
    const rows = await db
      .selectFrom('instance_tags')
      .select('instance_name')
      .distinct()
      .where((eb) => matches(eb, filter))
      .where('instance_name', '>', after)
      .orderBy('instance_name')
      .limit(limit)
      .execute();
    for (const row of rows) names.add(row.instance_name);
  }
  return [...names].sort().slice(0, limit);
}

/**
 * The registered instances that match at least one filter of each list; none when there are no lists. At most `limit`.
 *
 * @param only ids of the instances that are asked about, as many as a deployment may have; left out: all
 */
export async function instancesWithTags(
  db: StoreReader,
  lists: readonly (readonly TagFilter[])[],
  limit: number,
  only?: readonly string[],
): Promise<InstanceRow[]> {
  if (lists.length === 0) return [];
  let query = db.selectFrom('instances').selectAll().where('deregistered_at_ms', 'is', null).limit(limit);
  if (only !== undefined) query = query.where('instance_id', 'in', only);
  for (const filters of lists) {
    query = query.where('instance_id', 'in', (eb) =>
      eb
        .selectFrom('instance_tags')
        .select('instance_id')
        .where((tags) => tags.or(filters.map((filter) => matches(tags, filter)))),
    );
  }
  return query.execute();
}

/**
 * Finds the registered instances that match, were heard of since a time, and are not known to run a revision for the group. With each comes
 * what the group's last deployment left on it. At most `limit`.
 */
export async function instancesBehind(
  db: StoreReader,
  group: { readonly id: string; readonly revision: string } & (
    | { readonly filterLists: readonly (readonly TagFilter[])[] }
    /** Id of the deployment group: its instances are those that AWS has in it. */
    | { readonly fleetOf: string }
  ),
  {
    heardOfSinceMs,
    limit,
    also = [],
  }: {
    readonly heardOfSinceMs: number;
    readonly limit: number;
    /** Instances that count as behind whatever is known of them. */
    readonly also?: readonly string[];
  },
) {
  if ('filterLists' in group && group.filterLists.length === 0) return [];
  let query = db
    .selectFrom('instances')
    .leftJoin('host_states', (join) =>
      join
        .onRef('host_states.instance_id', '=', 'instances.instance_id')
        .on('host_states.deployment_group_id', '=', group.id),
    )
    .select(['instances.instance_id', 'instances.instance_name', 'instances.registered_at_ms'])
    .select(['instances.last_polled_at_ms', 'host_states.health', 'host_states.revision_identity'])
    .select(['host_states.left_at_ms', 'host_states.is_missed', 'host_states.automatic'])
    .select(['host_states.tries_of', 'host_states.failed_tries'])
    .where('instances.deregistered_at_ms', 'is', null)
    .where('instances.last_polled_at_ms', '>=', heardOfSinceMs)
    .where((eb) => {
      const isBehind = eb('host_states.revision_identity', 'is distinct from', group.revision);
      return also.length === 0 ? isBehind : eb.or([isBehind, eb('instances.instance_id', 'in', also)]);
    })
    .orderBy('instances.instance_name')
    .limit(limit);
  if ('fleetOf' in group) {
    query = query.where('instances.instance_id', 'in', (eb) =>
      eb
        .selectFrom('fleet_members')
        .select((member) => member.ref('fleet_members.instance_id').$notNull().as('instance_id'))
        .where('deployment_group_id', '=', group.fleetOf)
        .where('instance_id', 'is not', null)
        .where('stage', 'in', ['in-service', 'launching']),
    );
    return query.execute();
  }
  for (const filters of group.filterLists) {
    query = query.where('instances.instance_id', 'in', (eb) =>
      eb
        .selectFrom('instance_tags')
        .select('instance_id')
        .where((tags) => tags.or(filters.map((filter) => matches(tags, filter)))),
    );
  }
  return query.execute();
}

function matches(eb: ExpressionBuilder<StoreSchema, 'instance_tags'>, filter: TagFilter): Expression<SqlBool> {
  const { Key = '', Value = '' } = filter;
  switch (filter.Type ?? 'KEY_AND_VALUE') {
    case 'KEY_ONLY':
      return eb('tag_key', '=', Key);
    case 'VALUE_ONLY':
      return eb('tag_value', '=', Value);
    default:
      return eb.and([eb('tag_key', '=', Key), eb('tag_value', '=', Value)]);
  }
}

export async function putInstanceTags(
  tx: StoreTransaction,
  { instance_id, instance_name }: Pick<InstanceRow, 'instance_id' | 'instance_name'>,
  tags: readonly Tag[],
): Promise<void> {
  for (const { Key, Value } of tags) {
    await tx
      .insertInto('instance_tags')
      .values({ instance_id, instance_name, tag_key: Key, tag_value: Value })
      .onConflict((conflict) => conflict.columns(['instance_id', 'tag_key']).doUpdateSet({ tag_value: Value }))
      .execute();
  }
}

/** Removes tags whose key and value both match. */
export async function removeInstanceTags(
  tx: StoreTransaction,
  instanceId: string,
  tags: readonly Tag[],
): Promise<void> {
  for (const { Key, Value } of tags) {
    await tx
      .deleteFrom('instance_tags')
      .where('instance_id', '=', instanceId)
      .where('tag_key', '=', Key)
      .where('tag_value', '=', Value)
      .execute();
  }
}

export async function deleteInstanceTags(tx: StoreTransaction, instanceId: string): Promise<void> {
  await tx.deleteFrom('instance_tags').where('instance_id', '=', instanceId).execute();
}
