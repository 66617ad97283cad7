/** A year of deployments, put into the database by its own means: to deploy so often is not what is measured. */
import { sql } from 'kysely';
import { openStore, type StoreLocation } from '../../src/server/store/store.ts';

export const APPLICATION = { applicationName: 'site' } as const;
export const GROUP = { ...APPLICATION, deploymentGroupName: 'group-0' } as const;
const GROUPS = 100;
const TARGETS = 2;
const EVENTS = 7;
/** Ids have nine digits. */
const FIRST_ID = 100_000_000;
const YEAR_MS = 365 * 24 * 60 * 60_000;

/** The id of a deployment by its number, from 0, the oldest. */
export function historicId(number: number): string {
  return `d-${FIRST_ID + number}`;
}

/** Deployments to two hosts each, with seven events that have diagnostics, and each of a revision of its own. */
export async function fillHistory(
  location: StoreLocation,
  { deployments, nowMs }: { readonly deployments: number; readonly nowMs: number },
): Promise<void> {
  const store = await openStore(location);
  const numbers = (name: string, count: number) =>
    sql`${sql.ref(name)} as (select 0 as i union all select i + 1 from ${sql.ref(name)} where i < ${sql.lit(count - 1)})`;
  const number = sql.ref('n.i');
  const idOf = (first: number) => sql`'d-' || (${sql.lit(FIRST_ID + first)} + ${number})`;
  const deploymentId = idOf(0);
  const group = sql`(${number} % ${sql.lit(GROUPS)})`;
  const atMs = sql`(cast(${sql.lit(nowMs - YEAR_MS)} as bigint) + cast(${number} as bigint) * ${sql.lit(Math.floor(YEAR_MS / deployments))})`;
  const location_json = sql`'{"revisionType":"S3","s3Location":{"bucket":"revisions","key":"' || ${number} || '.zip","bundleType":"zip"}}'`;
  const diagnostics = JSON.stringify({ errorCode: 'Success', scriptName: '', message: '', logTail: 'x'.repeat(200) });
  try {
    await store.transaction(async (tx) => {
      const n = numbers('n', deployments);
      await sql`insert into applications values ('a', 'site', 'Server', 0)`.execute(tx);
      await sql`insert into deployment_groups with recursive ${numbers('n', GROUPS)}
        select 'g-' || ${number}, 'a', 'group-' || ${number}, 'CodeDeployDefault.AllAtOnce', '', '{}', null,
          ${idOf(deployments - GROUPS)}, ${idOf(deployments - GROUPS)}, 0 from n`.execute(tx);
      await sql`insert into revisions with recursive ${n}
        select 'r-' || ${number}, 'a', 's3://revisions/' || ${number} || '.zip', ${location_json}, null, ${atMs}, ${atMs}, ${atMs} from n`.execute(
        tx,
      );
      await sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
          deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
          ignore_application_stop_failures, update_outdated_instances_only, options_json, settings_json, created_at_ms, completed_at_ms)
        with recursive ${n} select ${deploymentId}, 'a', 'site', 'g-' || ${group}, 'group-' || ${group},
          'CodeDeployDefault.AllAtOnce', 'HOST_COUNT', 0,
          case when ${number} % 10000 = 1 then 'Stopped' when ${number} % 50 = 2 then 'Failed' else 'Succeeded' end,
          ${location_json}, 'user', 'DISALLOW', 0, 0, '{}', '{"filterLists":[],"rollbackEvents":[]}', ${atMs}, ${atMs} + 60000 from n`.execute(
        tx,
      );
      await sql`insert into targets with recursive ${n}, ${numbers('t', TARGETS)}
        select ${deploymentId}, 'host-' || t.i, 'host-' || t.i, 'arn', 'arn', t.i, 0, 'Succeeded', ${atMs} from n cross join t`.execute(
        tx,
      );
      await sql`insert into lifecycle_events with recursive ${n}, ${numbers('t', TARGETS)}, ${numbers('e', EVENTS)}
        select ${deploymentId}, 'host-' || t.i, e.i, 'Install', 'Succeeded', ${number} || '-' || t.i || '-' || e.i, 'arn', ${atMs},
          ${atMs}, ${atMs}, ${atMs}, ${atMs}, ${sql.lit(diagnostics)} from n cross join t cross join e`.execute(tx);
    });
  } finally {
    await store.close();
  }
}
