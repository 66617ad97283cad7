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

/** Rows from which a statement is made: one that makes all of them takes longer than the server lets any take. */
const SLICE = 5_000;

/** Deployments to two hosts each, with seven events that have diagnostics, and each of a revision of its own. */
export async function fillHistory(
  location: StoreLocation,
  { deployments, nowMs }: { readonly deployments: number; readonly nowMs: number },
): Promise<void> {
  const store = await openStore(location);
  const everyMs = Math.floor(YEAR_MS / deployments);
  const times = { firstMs: nowMs - YEAR_MS, everyMs };
  try {
    await store.transaction(async (tx) => {
      await sql`insert into applications (application_id, application_name, compute_platform, created_at_ms)
        values ('a', 'site', 'Server', 0)`.execute(tx);
      await groups(deployments).execute(tx);
      for (let first = 0; first < deployments; first += SLICE) {
        const slice = { first, count: Math.min(SLICE, deployments - first), ...times };
        for (const statement of historyOf(slice)) await statement.execute(tx);
      }
    });
  } finally {
    await store.close();
  }
}

/** A table of one column `i`, which counts from 0. */
function numbers(name: string, count: number) {
  const table = sql.ref(name);
  return sql`${table} as (select 0 as i union all select i + 1 from ${table} where i < ${sql.lit(count - 1)})`;
}

/** Each with one of the newest deployments as its last one. */
function groups(deployments: number) {
  const last = sql`'d-' || (${sql.lit(FIRST_ID + deployments - GROUPS)} + n.i)`;
  return sql`insert into deployment_groups (deployment_group_id, application_id, deployment_group_name, deployment_config_name,
    service_role_arn, settings_json, target_revision_json, last_attempted_deployment_id, last_successful_deployment_id, created_at_ms) with recursive ${numbers('n', GROUPS)}
    select 'g-' || n.i, 'a', 'group-' || n.i, 'CodeDeployDefault.AllAtOnce', '', '{}', null, ${last}, ${last}, 0 from n`;
}

interface Slice {
  readonly first: number;
  readonly count: number;
  readonly firstMs: number;
  readonly everyMs: number;
}

function historyOf({ first, count, firstMs, everyMs }: Slice) {
  const n = numbers('n', count);
  const number = sql`(n.i + ${sql.lit(first)})`;
  const id = sql`'d-' || (${number} + ${sql.lit(FIRST_ID)})`;
  const group = sql`(${number} % ${sql.lit(GROUPS)})`;
  const atMs = sql`(cast(${sql.lit(firstMs)} as bigint) + cast(${number} as bigint) * ${sql.lit(everyMs)})`;
  const revision = sql`'{"revisionType":"S3","s3Location":{"bucket":"revisions","key":"' || ${number} || '.zip","bundleType":"zip"}}'`;
  const diagnostics = JSON.stringify({ errorCode: 'Success', scriptName: '', message: '', logTail: 'x'.repeat(200) });
  return [
    sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms, first_used_at_ms,
      last_used_at_ms, latest_use_at_ms) with recursive ${n} select 'r-' || ${number}, 'a', 's3://revisions/' || ${number} || '.zip',
      ${revision}, ${atMs}, ${atMs}, ${atMs}, ${atMs} from n`,
    sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
      deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
      ignore_application_stop_failures, update_outdated_instances_only, options_json, settings_json, created_at_ms, completed_at_ms)
      with recursive ${n} select ${id}, 'a', 'site', 'g-' || ${group}, 'group-' || ${group}, 'CodeDeployDefault.AllAtOnce', 'HOST_COUNT', 0,
      case when ${number} % 10000 = 1 then 'Stopped' when ${number} % 50 = 2 then 'Failed' else 'Succeeded' end,
      ${revision}, 'user', 'DISALLOW', 0, 0, '{}', '{"filterLists":[],"rollbackEvents":[]}', ${atMs}, ${atMs} + 60000 from n`,
    sql`insert into targets (deployment_id, instance_id, target_id, target_arn, host_arn, position, was_current, status,
      updated_at_ms) with recursive ${n}, ${numbers('t', TARGETS)}
      select ${id}, 'host-' || t.i, 'host-' || t.i, 'arn', 'arn', t.i, 0, 'Succeeded', ${atMs} from n cross join t`,
    sql`insert into lifecycle_events (deployment_id, instance_id, position, event_name, status, host_command_id, host_arn,
      ready_at_ms, handed_out_at_ms, started_at_ms, ended_at_ms, reported_at_ms, diagnostics_json)
      with recursive ${n}, ${numbers('t', TARGETS)}, ${numbers('e', EVENTS)}
      select ${id}, 'host-' || t.i, e.i, 'Install', 'Succeeded', ${number} || '-' || t.i || '-' || e.i, 'arn', ${atMs}, ${atMs}, ${atMs},
      ${atMs}, ${atMs}, ${sql.lit(diagnostics)} from n cross join t cross join e`,
  ];
}
