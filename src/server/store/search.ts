/** Finds resources by parts of their names; case does not matter. Each word must be found. The names that begin with the first word come first. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { StoreReader } from './store.ts';

/** What is looked for. */
export interface Search {
  /** In whichever case. */
  readonly words: readonly string[];
  /** Of the key that asks; null: everything. */
  readonly scope: KeyScope | null;
  readonly limit: number;
  /** How many of the first ones are left out. */
  readonly offset: number;
}

const APPLICATION = sql<string>`application_name`;
const GROUP = sql<string>`deployment_group_name`;

/** Revisions are looked through from the latest use on: their addresses are long, and many are old. */
const MOST_REVISIONS = 10_000;

export interface FoundGroup {
  readonly applicationName: string;
  readonly groupName: string;
}

export async function searchApplications(db: StoreReader, { words, scope, limit, offset }: Search): Promise<string[]> {
  const rows = await db
    .selectFrom('applications')
    .select('application_name')
    .where(hasAll(APPLICATION, words))
    .where(isWithin(scope, APPLICATION, null))
    .orderBy(isLater(APPLICATION, words))
    .orderBy('application_name')
    .limit(limit)
    .offset(offset)
    .execute();
  return rows.map((row) => row.application_name);
}

export async function searchGroups(db: StoreReader, { words, scope, limit, offset }: Search): Promise<FoundGroup[]> {
  const both = sql<string>`application_name || '/' || deployment_group_name`;
  const rows = await db
    .selectFrom('deployment_groups')
    .innerJoin('applications', 'applications.application_id', 'deployment_groups.application_id')
    .select(['application_name', 'deployment_group_name'])
    .where(hasAll(both, words))
    .where(isWithin(scope, APPLICATION, GROUP))
    .orderBy(isLater(GROUP, words))
    .orderBy('application_name')
    .orderBy('deployment_group_name')
    .limit(limit)
    .offset(offset)
    .execute();
  return rows.map((row) => ({ applicationName: row.application_name, groupName: row.deployment_group_name }));
}

/** Registered hosts, by their names and by their tags as `key=value`. */
export async function searchHosts(
  db: StoreReader,
  { words, limit }: Pick<Search, 'words' | 'limit'>,
): Promise<string[]> {
  const name = sql<string>`instances.instance_name`;
  const tag = sql<string>`tag_key || '=' || tag_value`;
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
export async function searchDeployments(
  db: StoreReader,
  beginning: string,
  { scope, limit, offset }: Pick<Search, 'scope' | 'limit' | 'offset'>,
): Promise<FoundDeployment[]> {
  const from = `d-${beginning.slice(2).toUpperCase()}`;
  const rows = await db
    .selectFrom('deployments')
    .select(['deployment_id', 'application_name', 'deployment_group_name', 'status'])
    .where('deployment_id', '>=', from)
    // Behind every letter that an id can have.
    .where('deployment_id', '<', `${from}~`)
    .where(isWithin(scope, APPLICATION, GROUP))
    .orderBy('deployment_id')
    .limit(limit)
    .offset(offset)
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
  { words, scope, limit, offset }: Search,
): Promise<FoundRevision[]> {
  const text = sql<string>`application_name || ' ' || location_json`;
  const rows = await db
    .selectFrom((eb) =>
      eb
        .selectFrom('revisions')
        .innerJoin('applications', 'applications.application_id', 'revisions.application_id')
        .select(['application_name', 'location_json', 'latest_use_at_ms', 'revision_id'])
        .where(isWithin(scope, APPLICATION, null))
        .orderBy('latest_use_at_ms', 'desc')
        .orderBy('revision_id', 'desc')
        .limit(MOST_REVISIONS)
        .as('latest'),
    )
    .select(['application_name', 'location_json'])
    .where(hasAll(text, words))
    .orderBy('latest_use_at_ms', 'desc')
    .orderBy('revision_id', 'desc')
    .limit(limit)
    .offset(offset)
    .execute();
  return rows.map((row) => ({ applicationName: row.application_name, locationJson: row.location_json }));
}

function hasAll(text: RawBuilder<string>, words: readonly string[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(
    words.map((word) => hasWord(text, word)),
    sql` and `,
  )})`;
}

/** Whether a text has a word in it, whatever the case. */
export function hasWord(text: RawBuilder<string>, word: string): RawBuilder<SqlBool> {
  const small = inSmallLetters(word);
  return sql<SqlBool>`${lowerFor(text, small)} like ${`%${escaped(small)}%`} escape '\\'`;
}

/** 0 for names that begin with the first word, else 1. */
function isLater(text: RawBuilder<string>, [first = '']: readonly string[]): RawBuilder<number> {
  const small = inSmallLetters(first);
  return sql<number>`case when ${lowerFor(text, small)} like ${`${escaped(small)}%`} escape '\\' then 0 else 1 end`;
}

/**
 * A text in small letters, as far as that matters for a word. Both databases know the case of ASCII alone: SQLite knows no other letters, and
 * texts on PostgreSQL have the collation `C`. So the capitals of the word's other letters are replaced one by one.
 */
function lowerFor(text: RawBuilder<string>, word: string): RawBuilder<string> {
  const others = new Set(word.match(/[^\0-\x7f]/gu) ?? []);
  let lower = sql<string>`lower(${text})`;
  for (const letter of others) {
    for (const capital of capitalsOf(letter)) lower = sql<string>`replace(${lower}, ${capital}, ${letter})`;
  }
  return lower;
}

/** Letters that are written as this one in small letters, but for itself. */
function capitalsOf(letter: string): readonly string[] {
  const capital = letter.toUpperCase();
  const all = letter === 'σ' ? [capital, 'ς'] : [capital];
  return all.filter((one) => one !== letter && [...one].length === 1);
}

/** The sigma at the end of a word is the same letter as the others. */
function inSmallLetters(word: string): string {
  return word.toLowerCase().replaceAll('ς', 'σ');
}

/** `%` and `_` are letters like any other here. */
function escaped(word: string): string {
  return word.replace(/[\\%_]/g, (letter) => `\\${letter}`);
}

/** Condition that a key's scope sets on an application, and on a group where one is given. */
function isWithin(scope: KeyScope | null, application: RawBuilder<string>, group: RawBuilder<string> | null) {
  if (scope === null) return sql<SqlBool>`1 = 1`;
  const { applications, groups } = scope;
  const ofGroups = groups.map((pattern) => {
    const [ofApplication = '', ofGroup = ''] = pattern.split('/');
    const fits = isLike(application, ofApplication);
    return group === null ? fits : sql<SqlBool>`(${fits} and ${isLike(group, ofGroup)})`;
  });
  const ofApplications = applications.map((pattern) => isLike(application, pattern));
  return sql<SqlBool>`(${anyOf(ofApplications)} and ${anyOf(ofGroups)})`;
}

function anyOf(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return conditions.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`(${sql.join(conditions, sql` or `)})`;
}

/** SQLite lets the other case fit as well: what is found has to be held against the scope once more. */
function isLike(text: RawBuilder<string>, pattern: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`${text} like ${escaped(pattern).replaceAll('*', '%')} escape '\\'`;
}
