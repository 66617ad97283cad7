/** Lists with a hundred thousand entries: that a page costs no more than in a short list, and that all pages together are the list. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listDeployments } from '../../../src/server/store/deployments.ts';
import { type HostFilter, listHosts } from '../../../src/server/store/host-list.ts';
import { instancesWithTags, listTaggedNames } from '../../../src/server/store/instance-tags.ts';
import { listInstanceNames } from '../../../src/server/store/instances.ts';
import { listRevisions, type RevisionFilter } from '../../../src/server/store/revisions.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { describeStores, type TestDatabase } from '../../support/stores.ts';

const RECORDS = 100_000;
const LIMIT = 101;
/** The short list has one in so many of the records, spread evenly; one in ten of them is registered, too. */
const SPARSE = 53;
/**
 * A page may cost so many times what it costs in the short list. Its rows are the same few or up to a hundred more; a page that read the whole
 * list would read fifty times as many.
 */
const GROWTH = 10;
/** Looks at a page until it is found cheap. A busy machine makes any look dear, but not so many in a row. */
const LOOKS = 40;

/** Records of one statement: it must end in the time that the store gives to a question, also on a busy machine. */
const AT_ONCE = 10_000;

/**
 * Every tenth instance is registered and has the tag `all`; the last one of them has the tag `rare`, too.
 *
 * @param step from one number to the next
 */
async function fill(store: Store, step = 1): Promise<void> {
  await sql`insert into applications (application_id, application_name, compute_platform, created_at_ms)
    values ('a', 'a', 'Server', 0)`.execute(store.db);
  for (let first = 0; first < RECORDS; first += step * AT_ONCE) {
    await insertRecords(store, first, Math.min(first + step * AT_ONCE, RECORDS) - 1, step);
  }
  await sql`insert into instance_tags (instance_id, instance_name, tag_key, tag_value)
    select instance_id, instance_name, 'all', 'yes' from instances where deregistered_at_ms is null`.execute(store.db);
  await sql`insert into instance_tags (instance_id, instance_name, tag_key, tag_value)
    select instance_id, instance_name, 'rare', 'one' from instances where instance_name = (select max(instance_name) from instances)`.execute(
    store.db,
  );
  if (store.dialect === 'postgres') await sql`analyze`.execute(store.db);
}

async function insertRecords(store: Store, from: number, to: number, step: number): Promise<void> {
  const [first, last, distance] = [sql.lit(from), sql.lit(to), sql.lit(step)];
  const numbers =
    store.dialect === 'sqlite'
      ? sql`with recursive numbers(n) as (select ${first} union all select n + ${distance} from numbers where n + ${distance} <= ${last}) select n from numbers`
      : sql`select n from generate_series(${first}, ${last}, ${distance}) as numbers(n)`;
  const padded = store.dialect === 'sqlite' ? sql`printf('%06d', n)` : sql`lpad(n::text, 6, '0')`;
  const { db } = store;
  await sql`insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms, deregistered_at_ms)
    select 'id-' || ${padded}, 'host-' || ${padded}, 'arn-' || ${padded}, 'user', 'arn-' || ${padded}, n,
    case when n % 10 = 9 then null else n end from (${numbers}) as all_numbers`.execute(db);
  await sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms, last_used_at_ms)
    select 'r-' || ${padded}, 'a', '["S3","bucket","' || ${padded} || '",null,null]', '{}', n, n from (${numbers}) as all_numbers`.execute(
    db,
  );
  await sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
    deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
    ignore_application_stop_failures, update_outdated_instances_only, options_json, created_at_ms, completed_at_ms)
    select 'd-' || ${padded}, 'a', 'a', 'g', 'g', 'c', 'HOST_COUNT', 0, case when n = 7 then 'Stopped' else 'Succeeded' end,
    '{}', 'user', 'DISALLOW', 0, 0, '{}', n, n from (${numbers}) as all_numbers`.execute(db);
}

/**
 * How many times more a page costs in the long list than in the short one: the cheapest look at each counts. Looks on until that is little, so
 * that what else the machine does is not taken for the page's cost.
 */
async function growthOf(long: Page, short: Page): Promise<number> {
  let [longMs, shortMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let look = 0; look < LOOKS && (look < 3 || longMs > GROWTH * shortMs); look += 1) {
    longMs = Math.min(longMs, await timeOf(long));
    shortMs = Math.min(shortMs, await timeOf(short));
  }
  return longMs / shortMs;
}

type Page = () => Promise<readonly unknown[]>;

async function timeOf(page: Page): Promise<number> {
  const startedMs = performance.now();
  await page();
  return performance.now() - startedMs;
}

const REVISIONS: RevisionFilter = {
  ...{ applicationId: 'a', sortBy: 'registered_at_ms', descending: false, identityPrefix: null, identities: null },
  ...{ after: null, limit: LIMIT },
};

const ANY_HOST: HostFilter = { instanceName: null, registered: null, words: [], attention: null };

describeStores('lists of a hundred thousand records', (kind) => {
  // To fill it takes most of the time, and no test changes it.
  let longDatabase: TestDatabase;
  let long: Store;
  beforeAll(async () => {
    longDatabase = await kind.create();
    long = await longDatabase.open();
    await fill(long);
  }, 300_000);
  afterAll(() => longDatabase[Symbol.asyncDispose]());

  test('any page costs what it costs in a short list, and has the rows that it is to have', async () => {
    await using shortDatabase = await kind.create();
    const short = await shortDatabase.open();
    await fill(short, SPARSE);
    const all = { Key: 'all', Value: 'yes' };
    const rare = { Key: 'rare', Type: 'KEY_ONLY' };
    const pages: readonly (readonly [string, number, (db: Store['db']) => Promise<readonly unknown[]>])[] = [
      ['names', LIMIT, (db) => listInstanceNames(db, null, { after: '', limit: LIMIT })],
      ['names in the middle', LIMIT, (db) => listInstanceNames(db, null, { after: 'host-05', limit: LIMIT })],
      ['registered', LIMIT, (db) => listInstanceNames(db, 'Registered', { after: 'host-05', limit: LIMIT })],
      ['deregistered', LIMIT, (db) => listInstanceNames(db, 'Deregistered', { after: 'host-09', limit: LIMIT })],
      ['tagged', LIMIT, (db) => listTaggedNames(db, [all], { after: 'host-05', limit: LIMIT })],
      ['tagged twice', LIMIT, (db) => listTaggedNames(db, [rare, all], { after: 'host-05', limit: LIMIT })],
      [
        'tag values',
        LIMIT,
        (db) => listTaggedNames(db, [{ Value: 'yes', Type: 'VALUE_ONLY' }], { after: '', limit: LIMIT }),
      ],
      ['a rare tag', 1, (db) => listTaggedNames(db, [rare], { after: '', limit: LIMIT })],
      ['no such tag', 0, (db) => listTaggedNames(db, [{ Key: 'all', Value: 'no' }], { after: '', limit: LIMIT })],
      ['members', 1, (db) => instancesWithTags(db, [[rare]], 1001)],
      [
        'hosts',
        LIMIT,
        (db) => listHosts(db, ANY_HOST, { after: { instanceName: 'host-05', instanceId: '' }, limit: LIMIT }),
      ],
      ['revisions', LIMIT, (db) => listRevisions(db, REVISIONS)],
      [
        'revisions in use last',
        LIMIT,
        (db) => listRevisions(db, { ...REVISIONS, sortBy: 'last_used_at_ms', descending: true }),
      ],
      [
        'revisions in the middle',
        LIMIT,
        (db) => listRevisions(db, { ...REVISIONS, after: { sortedByMs: 50_000, revisionId: 'r-050000' } }),
      ],
      ['deployments', LIMIT, (db) => listDeployments(db, { limit: LIMIT })],
      [
        'the oldest deployments',
        LIMIT,
        (db) => listDeployments(db, { after: { createdAtMs: 200, deploymentId: 'd-000200' }, limit: LIMIT }),
      ],
      [
        'the newest revisions',
        99,
        (db) => listRevisions(db, { ...REVISIONS, after: { sortedByMs: 99_900, revisionId: 'r-099900' } }),
      ],
      [
        'deployments of a rare status',
        1,
        (db) => listDeployments(db, { statuses: ['Stopped', 'Failed'], limit: LIMIT }),
      ],
    ];
    for (const [what, rows, page] of pages) {
      expect({ what, rows: (await page(long.db)).length }).toEqual({ what, rows });
      const growth = await growthOf(
        () => page(long.db),
        () => page(short.db),
      );
      expect(growth, what).toBeLessThan(GROWTH);
    }
  });

  test('the pages of a list hold each name once, in order', async () => {
    for (const [status, expected] of [
      ['Registered', RECORDS / 10],
      [null, RECORDS],
    ] as const) {
      const names: string[] = [];
      for (;;) {
        const page = await listInstanceNames(long.db, status, { after: names.at(-1) ?? '', limit: 5_000 });
        if (page.length === 0) break;
        names.push(...page);
      }
      expect(names.length).toBe(expected);
      expect(new Set(names).size).toBe(expected);
      expect(names).toEqual([...names].sort());
    }
  });
});

describeStores('a list of revisions', (kind) => {
  test.each([
    ['the keys that begin so', ['S3', 'bucket', 'a/'], ['a/1', 'a/2']],
    ['a key that holds a quotation mark', ['S3', 'bucket', 'q"'], ['q"uoted']],
    ['a prefix that ends beyond the first plane', ['S3', 'bucket', 'p😀'], ['p😀x']],
    ['a prefix that ends with the last code point', ['S3', 'bucket', 'm\u{10ffff}'], ['m\u{10ffff}', 'm\u{10ffff}x']],
    ['a prefix that ends with several of it', ['S3', 'bucket', 'm\u{10ffff}\u{10ffff}'], []],
    ['another bucket', ['S3', 'bucke', ''], []],
  ] as const)('a list of revisions that is cut down to %s has no others', async (_what, prefix, expected) => {
    await using database = await kind.create();
    const { db } = await database.open();
    await sql`insert into applications (application_id, application_name, compute_platform, created_at_ms)
      values ('a', 'a', 'Server', 0)`.execute(db);
    for (const [index, key] of [
      'a/1',
      'a/2',
      'b/1',
      'q"uoted',
      'q',
      'p😀x',
      'p😁',
      'm\u{10ffff}',
      'm\u{10ffff}x',
      'm',
      'n',
    ].entries()) {
      const identity = JSON.stringify(['S3', 'bucket', key, null, null]);
      await sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms)
        values (${key}, 'a', ${identity}, '{}', ${index})`.execute(db);
    }
    const identityPrefix = JSON.stringify(prefix).slice(0, -'"]'.length);
    const rows = await listRevisions(db, { ...REVISIONS, identityPrefix });
    expect(rows.map((row) => row.revision_id)).toEqual(expected);
  });
});
