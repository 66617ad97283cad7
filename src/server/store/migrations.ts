/** The tables of `schema.ts`, step by step. A step that has been released is never changed; a new one is added behind it. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { SlipwayError } from '../../errors.ts';
import type { StoreSchema } from './schema.ts';

type Step = (db: Transaction<StoreSchema>) => Promise<void>;

const STEPS: readonly Step[] = [firstTables];

/**
 * Brings the database up to date, in one transaction.
 *
 * @throws SlipwayError SERVER_DATABASE_NEWER for a database that a newer version has made: this one would damage it
 */
export async function migrate(db: Kysely<StoreSchema>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Servers that start together wait for each other. The number is only this lock's name.
    if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(7312026)`.execute(tx);
    await sql`create table if not exists slipway_migrations (step integer primary key)`.execute(tx);
    const { rows } = await sql<{ done: number | null }>`select max(step) as done from slipway_migrations`.execute(tx);
    const done = Number(rows[0]?.done ?? 0);
    if (done > STEPS.length) {
      throw new SlipwayError(
        'SERVER_DATABASE_NEWER',
        `the database is at step ${done}, but this version of Slipway knows ${STEPS.length} steps`,
      );
    }
    for (const [index, step] of STEPS.entries()) {
      if (index < done) continue;
      await step(tx);
      await sql`insert into slipway_migrations (step) values (${index + 1})`.execute(tx);
    }
  });
}

async function firstTables(db: Transaction<StoreSchema>): Promise<void> {
  const statements = [
    `create table access_keys (
      access_key_id text primary key, secret_sealed text not null, role text not null, host_arn text,
      description text not null, created_at_ms bigint not null, disabled_at_ms bigint)`,
    'create table secrets (name text primary key, value_sealed text not null)',
    `create table applications (
      application_id text primary key, application_name text not null unique, compute_platform text not null,
      created_at_ms bigint not null)`,
    `create table revisions (
      revision_id text primary key, application_id text not null references applications on delete cascade,
      identity text not null, location_json text not null, description text, registered_at_ms bigint not null,
      first_used_at_ms bigint, last_used_at_ms bigint, unique (application_id, identity))`,
    `create table deployment_configs (
      deployment_config_id text primary key, deployment_config_name text not null unique, compute_platform text not null,
      minimum_type text not null, minimum_value integer not null, created_at_ms bigint not null)`,
    `create table deployment_groups (
      deployment_group_id text primary key, application_id text not null references applications on delete cascade,
      deployment_group_name text not null, deployment_config_name text not null, service_role_arn text not null,
      settings_json text not null, target_revision_json text, last_attempted_deployment_id text,
      last_successful_deployment_id text, created_at_ms bigint not null, unique (application_id, deployment_group_name))`,
    `create table resource_tags (
      resource_arn text not null, tag_key text not null, tag_value text not null, primary key (resource_arn, tag_key))`,
    `create table instances (
      instance_id text primary key, instance_name text not null, instance_arn text not null, arn_kind text not null,
      host_arn text not null, registered_at_ms bigint not null, deregistered_at_ms bigint, last_polled_at_ms bigint,
      agent_version text)`,
    'create unique index instances_by_name on instances (instance_name) where deregistered_at_ms is null',
    'create unique index instances_by_arn on instances (host_arn) where deregistered_at_ms is null',
    `create table instance_tags (
      instance_id text not null references instances on delete cascade, tag_key text not null, tag_value text not null,
      primary key (instance_id, tag_key))`,
    `create table deployments (
      deployment_id text primary key, application_id text not null references applications on delete cascade,
      application_name text not null, deployment_group_id text not null, deployment_group_name text not null,
      deployment_config_name text not null, minimum_type text not null, minimum_value integer not null,
      status text not null, revision_json text not null, previous_revision_json text, creator text not null,
      description text, file_exists_behavior text not null, ignore_application_stop_failures integer not null,
      update_outdated_instances_only integer not null, options_json text not null, created_at_ms bigint not null,
      started_at_ms bigint, completed_at_ms bigint, stop_requested_at_ms bigint, error_code text, error_message text,
      wake_at_ms bigint)`,
    'create index deployments_by_time on deployments (created_at_ms, deployment_id)',
    'create index deployments_by_group on deployments (deployment_group_id, created_at_ms)',
    'create index deployments_to_wake on deployments (wake_at_ms) where wake_at_ms is not null',
    `create table targets (
      deployment_id text not null references deployments on delete cascade, instance_id text not null,
      target_id text not null, target_arn text not null, host_arn text not null, position integer not null,
      status text not null, updated_at_ms bigint not null, primary key (deployment_id, instance_id))`,
    `create table lifecycle_events (
      deployment_id text not null references deployments on delete cascade, instance_id text not null,
      position integer not null, event_name text not null, status text not null, host_command_id text unique,
      host_arn text not null, ready_at_ms bigint, handed_out_at_ms bigint, started_at_ms bigint, ended_at_ms bigint,
      diagnostics_json text, primary key (deployment_id, instance_id, position))`,
    `create index lifecycle_events_ready on lifecycle_events (host_arn, ready_at_ms)
      where ready_at_ms is not null and started_at_ms is null and ended_at_ms is null`,
    `create table host_states (
      deployment_group_id text not null, instance_id text not null, health text not null, revision_identity text,
      primary key (deployment_group_id, instance_id))`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
