/** Lists with a hundred thousand entries: what a page costs, and that all pages together are the list. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { listDeployments } from '../../../src/server/store/deployments.ts';
import { instancesWithTags, listTaggedNames } from '../../../src/server/store/instance-tags.ts';
import { listInstanceNames, listInstances } from '../../../src/server/store/instances.ts';
import { listRevisions, type RevisionFilter } from '../../../src/server/store/revisions.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { describeStores } from '../../support/stores.ts';

const RECORDS = 100_000;
const LIMIT = 101;
/** The pages that are looked at cost far less; a busy machine may take a moment for itself. */
const PAGE_MS = 15;
const LAST = `host-${String(RECORDS - 1).padStart(6, '0')}`;

/** Every tenth instance is registered and has the tag `all`; the last one of them has the tag `rare`, too. */
async function fill(store: Store): Promise<void> {
  const numbers =
    store.dialect === 'sqlite'
      ? sql`with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${sql.lit(RECORDS - 1)}) select n from numbers`
      : sql`select n from generate_series(0, ${sql.lit(RECORDS - 1)}) as numbers(n)`;
  const padded = store.dialect === 'sqlite' ? sql`printf('%06d', n)` : sql`lpad(n::text, 6, '0')`;
  const { db } = store;
  await sql`insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms, deregistered_at_ms)
    select 'id-' || ${padded}, 'host-' || ${padded}, 'arn-' || ${padded}, 'user', 'arn-' || ${padded}, n,
    case when n % 10 = 9 then null else n end from (${numbers}) as all_numbers`.execute(db);
  await sql`insert into instance_tags (instance_id, instance_name, tag_key, tag_value)
    select instance_id, instance_name, 'all', 'yes' from instances where deregistered_at_ms is null`.execute(db);
  await sql`insert into instance_tags (instance_id, instance_name, tag_key, tag_value)
    select instance_id, instance_name, 'rare', 'one' from instances where instance_name = ${LAST}`.execute(db);
  await sql`insert into applications (application_id, application_name, compute_platform, created_at_ms)
    values ('a', 'a', 'Server', 0)`.execute(db);
  await sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms, last_used_at_ms)
    select 'r-' || ${padded}, 'a', '["S3","bucket","' || ${padded} || '",null,null]', '{}', n, n from (${numbers}) as all_numbers`.execute(
    db,
  );
  await sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
    deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
    ignore_application_stop_failures, update_outdated_instances_only, options_json, created_at_ms, completed_at_ms)
    select 'd-' || ${padded}, 'a', 'a', 'g', 'g', 'c', 'HOST_COUNT', 0, case when n = 7 then 'Stopped' else 'Succeeded' end,
    '{}', 'user', 'DISALLOW', 0, 0, '{}', n, n from (${numbers}) as all_numbers`.execute(db);
  if (store.dialect === 'postgres') await sql`analyze`.execute(db);
}

/** The best of a few tries: what the page costs, and not what else the machine does. */
async function costOf(page: () => Promise<readonly unknown[]>): Promise<{ rows: number; ms: number }> {
  let ms = Number.POSITIVE_INFINITY;
  let rows = 0;
  for (let tries = 0; tries < 5; tries += 1) {
    const startedMs = performance.now();
    rows = (await page()).length;
    ms = Math.min(ms, performance.now() - startedMs);
  }
  return { rows, ms };
}

const REVISIONS: RevisionFilter = {
  ...{ applicationId: 'a', sortBy: 'registered_at_ms', descending: false, identityPrefix: null, identities: null },
  ...{ after: null, limit: LIMIT },
};

describeStores('lists of a hundred thousand records', (kind) => {
  test('any page costs a few milliseconds and reads no more rows than it shows', { timeout: 60_000 }, async () => {
    await using database = await kind.create();
    const store = await database.open();
    await fill(store);
    const { db } = store;
    const all = { Key: 'all', Value: 'yes' };
    const rare = { Key: 'rare', Type: 'KEY_ONLY' };
    const pages: [string, number, () => Promise<readonly unknown[]>][] = [
      ['names', LIMIT, () => listInstanceNames(db, null, { after: '', limit: LIMIT })],
      ['names in the middle', LIMIT, () => listInstanceNames(db, null, { after: 'host-05', limit: LIMIT })],
      ['registered', LIMIT, () => listInstanceNames(db, 'Registered', { after: 'host-05', limit: LIMIT })],
      ['deregistered', LIMIT, () => listInstanceNames(db, 'Deregistered', { after: 'host-09', limit: LIMIT })],
      ['tagged', LIMIT, () => listTaggedNames(db, [all], { after: 'host-05', limit: LIMIT })],
      ['tagged twice', LIMIT, () => listTaggedNames(db, [rare, all], { after: 'host-05', limit: LIMIT })],
      [
        'tag values',
        LIMIT,
        () => listTaggedNames(db, [{ Value: 'yes', Type: 'VALUE_ONLY' }], { after: '', limit: LIMIT }),
      ],
      ['a rare tag', 1, () => listTaggedNames(db, [rare], { after: '', limit: LIMIT })],
      ['no such tag', 0, () => listTaggedNames(db, [{ Key: 'all', Value: 'no' }], { after: '', limit: LIMIT })],
      ['members', 1, () => instancesWithTags(db, [[rare]], 1001)],
      ['hosts', LIMIT, () => listInstances(db, 'id-05', LIMIT)],
      ['revisions', LIMIT, () => listRevisions(db, REVISIONS)],
      [
        'revisions in use last',
        LIMIT,
        () => listRevisions(db, { ...REVISIONS, sortBy: 'last_used_at_ms', descending: true }),
      ],
      [
        'revisions in the middle',
        LIMIT,
        () => listRevisions(db, { ...REVISIONS, after: { sortedByMs: 50_000, revisionId: 'r-050000' } }),
      ],
      ['deployments', LIMIT, () => listDeployments(db, { limit: LIMIT })],
      [
        'the oldest deployments',
        LIMIT,
        () => listDeployments(db, { after: { createdAtMs: 200, deploymentId: 'd-000200' }, limit: LIMIT }),
      ],
      [
        'the newest revisions',
        99,
        () => listRevisions(db, { ...REVISIONS, after: { sortedByMs: 99_900, revisionId: 'r-099900' } }),
      ],
      ['deployments of a rare status', 1, () => listDeployments(db, { statuses: ['Stopped', 'Failed'], limit: LIMIT })],
    ];
    for (const [what, expectedRows, page] of pages) {
      const { rows, ms } = await costOf(page);
      expect({ what, rows }).toEqual({ what, rows: expectedRows });
      expect(ms, what).toBeLessThan(PAGE_MS);
    }
  });

  test('the pages of a list hold each name once, in order', { timeout: 60_000 }, async () => {
    await using database = await kind.create();
    const store = await database.open();
    await fill(store);
    for (const [status, expected] of [
      ['Registered', RECORDS / 10],
      [null, RECORDS],
    ] as const) {
      const names: string[] = [];
      for (;;) {
        const page = await listInstanceNames(store.db, status, { after: names.at(-1) ?? '', limit: 5_000 });
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
  ] as const)('that is cut down to %s has no others', async (_what, prefix, expected) => {
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
