/** Finds resources by parts of their names; case does not matter. Each word must be found. The names that begin with the first word come first. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { StoreReader } from './store.ts';

/** Revisions are looked through from the latest use on: their addresses are long, and many are old. */
const MOST_REVISIONS = 10_000;

export interface FoundGroup {
  readonly applicationName: string;
  readonly groupName: string;
}

export async function searchApplications(db: StoreReader, words: readonly string[], limit: number): Promise<string[]> {
  const name = sql<string>`lower(${sql.ref('application_name')})`;
  const rows = await db
    .selectFrom('applications')
    .select('application_name')
    .where(hasAll(name, words))
    .orderBy(isLater(name, words))
    .orderBy('application_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.application_name);
}

export async function searchGroups(db: StoreReader, words: readonly string[], limit: number): Promise<FoundGroup[]> {
  const both = sql<string>`lower(application_name || '/' || deployment_group_name)`;
  const rows = await db
    .selectFrom('deployment_groups')
    .innerJoin('applications', 'applications.application_id', 'deployment_groups.application_id')
    .select(['application_name', 'deployment_group_name'])
    .where(hasAll(both, words))
    .orderBy(isLater(sql<string>`lower(deployment_group_name)`, words))
    .orderBy('application_name')
    .orderBy('deployment_group_name')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ applicationName: row.application_name, groupName: row.deployment_group_name }));
}

/** Registered hosts, by their names and by their tags as `key=value`. */
export async function searchHosts(db: StoreReader, words: readonly string[], limit: number): Promise<string[]> {
  const name = sql<string>`lower(instances.instance_name)`;
  const tag = sql<string>`lower(tag_key || '=' || tag_value)`;
  const rows = await db
    .selectFrom('instances')
    .select('instance_name')
    .where('deregistered_at_ms', 'is', null)
    .where((eb) =>
      eb.and(
        words.map((word) =>
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
      ),
    )
    .orderBy(isLater(name, words))
    .orderBy('instance_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.instance_name);
}

export interface FoundDeployment extends FoundGroup {
  readonly deploymentId: string;
  readonly status: string;
}

/** Deployments whose ids begin so, in whichever case. */
export async function searchDeployments(db: StoreReader, beginning: string, limit: number): Promise<FoundDeployment[]> {
  const from = `d-${beginning.slice(2).toUpperCase()}`;
  const rows = await db
    .selectFrom('deployments')
    .select(['deployment_id', 'application_name', 'deployment_group_name', 'status'])
    .where('deployment_id', '>=', from)
    // Behind every letter that an id can have.
    .where('deployment_id', '<', `${from}~`)
    .orderBy('deployment_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    deploymentId: row.deployment_id,
    status: row.status,
    applicationName: row.application_name,
    groupName: row.deployment_group_name,
  }));
}

export interface FoundRevision {
  readonly applicationName: string;
  readonly locationJson: string;
}

/** The latest ones, by their applications and their locations. */
export async function searchRevisions(
  db: StoreReader,
  words: readonly string[],
  limit: number,
): Promise<FoundRevision[]> {
  const text = sql<string>`lower(application_name || ' ' || location_json)`;
  const rows = await db
    .selectFrom((eb) =>
      eb
        .selectFrom('revisions')
        .select(['application_id', 'location_json', 'latest_use_at_ms', 'revision_id'])
        .orderBy('latest_use_at_ms', 'desc')
        .orderBy('revision_id', 'desc')
        .limit(MOST_REVISIONS)
        .as('latest'),
    )
    .innerJoin('applications', 'applications.application_id', 'latest.application_id')
    .select(['application_name', 'location_json'])
    .where(hasAll(text, words))
    .orderBy('latest_use_at_ms', 'desc')
    .orderBy('revision_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ applicationName: row.application_name, locationJson: row.location_json }));
}

function hasAll(text: Expression<string>, words: readonly string[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(
    words.map((word) => hasWord(text, word)),
    sql` and `,
  )})`;
}

/** Whether a text in lower case has a word in it. */
export function hasWord(text: Expression<string>, word: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`${text} like ${`%${escaped(word)}%`} escape '\\'`;
}

/** 0 for names that begin with the first word, else 1. */
function isLater(text: Expression<string>, [first = '']: readonly string[]): RawBuilder<number> {
  return sql<number>`case when ${text} like ${`${escaped(first)}%`} escape '\\' then 0 else 1 end`;
}

/** `%` and `_` are letters like any other here. */
function escaped(word: string): string {
  return word.replace(/[\\%_]/g, (letter) => `\\${letter}`);
}
