/**
 * Puts a fleet that was deployed to again and again into the database, by the database's own means: the deployments themselves are not
 * measured.
 */
import { sql } from 'kysely';
import { openStore, type StoreLocation } from '../../src/server/store/store.ts';

export const FLEET_GROUP = { applicationName: 'site', deploymentGroupName: 'fleet' } as const;

export interface FilledFleet {
  readonly hosts: number;
  /** Deployments to all hosts, an hour apart, each of a revision of its own; the last one has just ended. */
  readonly deployments: number;
  readonly nowMs: number;
  /** The access key that the audit log says made them. */
  readonly actor: string;
}

const HOUR_MS = 60 * 60_000;
/** Rows of one statement: none may take longer than the server lets any take. */
const SLICE = 20_000;

/** Id of a deployment by its number, from 0, the oldest. */
export const deploymentIdOf = (number: number) => `d-F${number}`;
export const hostNameOf = (number: number) => `web-${String(number).padStart(5, '0')}`;

const revisionOf = (number: number) => ({
  json: `{"revisionType":"S3","s3Location":{"bucket":"revisions","key":"${number}.tgz","bundleType":"tgz"}}`,
  identity: JSON.stringify(['S3', 'revisions', `${number}.tgz`, null, null]),
});

export async function fillFleet(location: StoreLocation, fleet: FilledFleet): Promise<void> {
  const store = await openStore(location);
  const { hosts, deployments, nowMs, actor } = fleet;
  const last = deployments - 1;
  const name = sql`'web-' || substr('0000' || n.i, length('0000' || n.i) - 4, 5)`;
  const slices = Array.from({ length: Math.ceil(hosts / SLICE) }, (_, index) => index * SLICE);
  const numbers = (first: number) =>
    sql`n as (select ${sql.lit(first)} as i union all select i + 1 from n where i < ${sql.lit(Math.min(first + SLICE, hosts) - 1)})`;
  try {
    await store.transaction(async (tx) => {
      await sql`insert into applications (application_id, application_name, compute_platform, created_at_ms)
        values ('a', 'site', 'Server', 0)`.execute(tx);
      await sql`insert into deployment_groups (deployment_group_id, application_id, deployment_group_name, deployment_config_name,
    service_role_arn, settings_json, target_revision_json, last_attempted_deployment_id, last_successful_deployment_id, created_at_ms) values ('g', 'a', 'fleet', 'CodeDeployDefault.AllAtOnce', '', '{}', null,
        ${deploymentIdOf(last)}, ${deploymentIdOf(last)}, 0)`.execute(tx);
      for (const first of slices) {
        await sql`insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms)
          with recursive ${numbers(first)} select 'i-' || n.i, ${name}, 'arn', 'user', 'arn-' || n.i, 0 from n`.execute(
          tx,
        );
        await sql`insert into host_states (deployment_group_id, instance_id, health, revision_identity, left_at_ms)
          with recursive ${numbers(first)} select 'g', 'i-' || n.i, 'healthy', ${revisionOf(last).identity}, cast(${nowMs} as bigint) from n`.execute(
          tx,
        );
      }
    });
    for (let number = 0; number < deployments; number += 1) {
      const atMs = nowMs - (deployments - number) * HOUR_MS;
      const { json, identity } = revisionOf(number);
      const id = deploymentIdOf(number);
      await store.transaction(async (tx) => {
        await sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms, latest_use_at_ms)
          values (${`r-${number}`}, 'a', ${identity}, ${json}, cast(${atMs} as bigint), 0)`.execute(tx);
        await sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
          deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
          ignore_application_stop_failures, update_outdated_instances_only, options_json, settings_json, created_at_ms, completed_at_ms)
          values (${id}, 'a', 'site', 'g', 'fleet', 'CodeDeployDefault.AllAtOnce', 'HOST_COUNT', 0, 'Succeeded', ${json}, 'user',
          'DISALLOW', 0, 0, '{}', '{"filterLists":[],"rollbackEvents":[]}', cast(${atMs} as bigint), cast(${atMs + 60_000} as bigint))`.execute(
          tx,
        );
        await sql`insert into audit_entries (request_id, at_ms, actor, role, operation, made, request_json)
          values (${id}, cast(${atMs} as bigint), ${actor}, 'operator', 'CreateDeployment', ${id}, '{}')`.execute(tx);
        for (const first of slices) {
          await sql`insert into targets (deployment_id, instance_id, target_id, target_arn, host_arn, position, was_current, status, updated_at_ms)
            with recursive ${numbers(first)} select ${id}, 'i-' || n.i, ${name}, 'arn', 'arn-' || n.i, n.i, 0, 'Succeeded', cast(${atMs + 30_000} as bigint) from n`.execute(
            tx,
          );
        }
      });
    }
  } finally {
    await store.close();
  }
}
