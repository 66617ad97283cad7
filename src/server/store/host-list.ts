/** Hosts as a list that people look through: by parts of names and tags, and those that deployments do not get to. */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { InstanceRow, StoreSchema } from './schema.ts';
import { hasWord } from './search.ts';
import type { StoreReader } from './store.ts';

/** Filters of a list of hosts. Each must fit; null: any host does. */
export interface HostFilter {
  readonly instanceName: string | null;
  /** true: registered hosts alone; false: records of those that once were. */
  readonly registered: boolean | null;
  /** Lower case. The name, the agent's version and the tags as `key=value` together have each of them. */
  readonly words: readonly string[];
  readonly attention: Attention | null;
}

/** Limits behind which a registered host needs attention. */
export interface Attention {
  /** A host that was last heard of before is silent. */
  readonly heardSinceMs: number;
  /** Its identity was used twice after this time. */
  readonly sharedSinceMs: number;
  /** So many automatic deployments that failed are enough. */
  readonly tries: number;
}

/** The host behind which a page begins. */
export interface HostPlace {
  readonly instanceName: string;
  readonly instanceId: string;
}

type Instances = ExpressionBuilder<StoreSchema, 'instances'>;

/** A page in the order of names, then of ids. @param after null: from the beginning */
export async function listHosts(
  db: StoreReader,
  filter: HostFilter,
  { after, limit }: { readonly after: HostPlace | null; readonly limit: number },
): Promise<InstanceRow[]> {
  return db
    .selectFrom('instances')
    .selectAll()
    .where((eb) => eb.and(conditionsOf(eb, filter)))
    .$if(after !== null, (query) =>
      query.where((eb) =>
        eb(
          eb.refTuple('instance_name', 'instance_id'),
          '>',
          eb.tuple(after?.instanceName ?? '', after?.instanceId ?? ''),
        ),
      ),
    )
    .orderBy('instance_name')
    .orderBy('instance_id')
    .limit(limit)
    .execute();
}

export async function countHosts(db: StoreReader, filter: HostFilter): Promise<number> {
  const { count } = await db
    .selectFrom('instances')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where((eb) => eb.and(conditionsOf(eb, filter)))
    .executeTakeFirstOrThrow();
  return Number(count);
}

function conditionsOf(eb: Instances, filter: HostFilter): Expression<SqlBool>[] {
  const { instanceName, registered, words, attention } = filter;
  const name = sql<string>`instances.instance_name || ' ' || coalesce(instances.agent_version, '')`;
  const tag = sql<string>`tag_key || '=' || tag_value`;
  return [
    ...(instanceName === null ? [] : [eb('instances.instance_name', '=', instanceName)]),
    ...(registered === null && attention === null
      ? []
      : [eb('instances.deregistered_at_ms', registered === false ? 'is not' : 'is', null)]),
    ...words.map((word) =>
      eb.or([
        hasWord(name, word),
        eb.exists(
          eb
            .selectFrom('instance_tags')
            .select('tag_key')
            .whereRef('instance_tags.instance_id', '=', 'instances.instance_id')
            .where(hasWord(tag, word)),
        ),
      ]),
    ),
    ...(attention === null ? [] : [needsAttention(eb, attention)]),
  ];
}

function needsAttention(eb: Instances, { heardSinceMs, sharedSinceMs, tries }: Attention): Expression<SqlBool> {
  return eb.or([
    eb('instances.last_polled_at_ms', 'is', null),
    eb('instances.last_polled_at_ms', '<', heardSinceMs),
    eb('instances.identity_shared_at_ms', '>', sharedSinceMs),
    // Disabled keys are few, and have an index.
    eb(
      'instances.host_arn',
      'in',
      eb
        .selectFrom('access_keys as disabled')
        .select(sql<string>`disabled.host_arn`.as('host_arn'))
        .where('disabled.disabled_at_ms', 'is not', null)
        .where('disabled.host_arn', 'is not', null)
        .where((keys) =>
          keys.not(
            keys.exists(
              keys
                .selectFrom('access_keys as enabled')
                .select('enabled.access_key_id')
                .whereRef('enabled.host_arn', '=', 'disabled.host_arn')
                .where('enabled.disabled_at_ms', 'is', null),
            ),
          ),
        ),
    ),
    eb(
      'instances.instance_id',
      'in',
      eb
        .selectFrom('host_states')
        .innerJoin('deployment_groups', (join) =>
          join
            .onRef('deployment_groups.deployment_group_id', '=', 'host_states.deployment_group_id')
            .onRef('deployment_groups.last_successful_deployment_id', '=', 'host_states.tries_of'),
        )
        .select('host_states.instance_id')
        .where('host_states.failed_tries', '>=', tries),
    ),
  ]);
}
