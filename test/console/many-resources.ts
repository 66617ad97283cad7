/** Puts many resources into a database by its own means, to measure a search among them. */
import { sql } from 'kysely';
import { openStore, type StoreLocation } from '../../src/server/store/store.ts';

export interface ManyResources {
  readonly hosts: number;
  readonly deployments: number;
  readonly revisions: number;
}

/** One application, and of everything else so many. */
export async function fillMany(location: StoreLocation, many: ManyResources): Promise<void> {
  const store = await openStore(location);
  const numbers = (count: number) =>
    sql`with recursive n as (select 0 as i union all select i + 1 from n where i < ${sql.lit(count - 1)})`;
  const revision = sql`'{"revisionType":"S3","s3Location":{"bucket":"revisions","key":"site/build-' || n.i || '.zip"}}'`;
  const statements = [
    sql`insert into applications (application_id, application_name, compute_platform, created_at_ms) values ('a', 'site', 'Server', 0)`,
    sql`insert into deployment_groups (deployment_group_id, application_id, deployment_group_name, deployment_config_name,
      service_role_arn, settings_json, created_at_ms) values ('g', 'a', 'fleet', 'CodeDeployDefault.AllAtOnce', '', '{}', 0)`,
    sql`insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms)
      ${numbers(many.hosts)} select 'i-' || n.i, 'web-' || n.i, 'arn', 'user', 'arn-' || n.i, 0 from n`,
    sql`insert into instance_tags (instance_id, instance_name, tag_key, tag_value)
      ${numbers(many.hosts)} select 'i-' || n.i, 'web-' || n.i, 'Rack', 'rack-' || (n.i % 97) from n`,
    sql`insert into revisions (revision_id, application_id, identity, location_json, registered_at_ms, latest_use_at_ms)
      ${numbers(many.revisions)} select 'r-' || n.i, 'a', 'r-' || n.i, ${revision}, n.i, n.i from n`,
    sql`insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
      deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
      ignore_application_stop_failures, update_outdated_instances_only, options_json, settings_json, created_at_ms, completed_at_ms)
      ${numbers(many.deployments)} select 'd-' || (100000000 + n.i), 'a', 'site', 'g', 'fleet', 'CodeDeployDefault.AllAtOnce',
      'HOST_COUNT', 0, 'Succeeded', '{}', 'user', 'DISALLOW', 0, 0, '{}', '{"filterLists":[],"rollbackEvents":[]}', n.i, n.i from n`,
  ];
  try {
    await store.transaction(async (tx) => {
      for (const statement of statements) await statement.execute(tx);
    });
  } finally {
    await store.close();
  }
}
