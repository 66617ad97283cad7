/**
 * The tables of `schema.ts`, step by step. A step that has been released is never changed; a new one is added behind it.
 *
 * The texts are SQL that SQLite and PostgreSQL both understand. The one word that differs is `TEXT`: PostgreSQL would sort texts by the
 * language of its cluster. Lists are to come in the same order everywhere, so it is told to compare bytes as SQLite does.
 */
import { type Kysely, sql } from 'kysely';
import { SlipwayError } from '../../errors.ts';
import type { StoreSchema } from './schema.ts';

/** Makes one step's statements; `TEXT` is the dialect's type for texts. */
type Step = (TEXT: string) => readonly string[];

const STEPS: readonly Step[] = [
  firstTables,
  restarts,
  keysOfDeregisteredHosts,
  agentRuns,
  pagesByKey,
  storedSettings,
  retention,
  users,
  changedTargets,
  lostPowers,
  registeredAgain,
  zones,
  quotas,
  orders,
  auditLog,
  automaticDeployments,
  alarms,
  strategiesOfBefore,
  keyScopes,
  ordersByInstance,
  blueGreen,
  enrolmentTokens,
  historyPages,
  notices,
  fleets,
  gitTokens,
  scalingHooks,
  trafficConfigs,
  suspensions,
  replacementFleets,
  ecsServices,
  terminationHooks,
  ordersOfDeployments,
  shiftedTargets,
  consoleSessions,
  sessionsOfPeople,
  eventLogs,
  issuersOfPeople,
];

/** The step that a database of this version is at. */
export const NEWEST_STEP = STEPS.length;

/** Only this lock's name; any number that nobody else uses. */
const MIGRATION_LOCK = 7_312_026;

export interface MigrationRequest {
  readonly dialect: 'sqlite' | 'postgres';
  /** The database's file or address, for messages. */
  readonly place: string;
  /** How far; fewer than all steps make a database as an older version did. */
  readonly lastStep?: number;
}

/**
 * Brings the database up to date, in one transaction: it is as it was, or as this version needs it.
 *
 * @throws SlipwayError SERVER_DATABASE_NEWER for a database that a newer version has made: this one would damage it
 */
export async function migrate(
  db: Kysely<StoreSchema>,
  { dialect, place, lastStep = STEPS.length }: MigrationRequest,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Processes that open the database together wait for each other; on SQLite the transaction itself sees to that.
    if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(tx);
    await sql`create table if not exists slipway_migrations (step integer primary key)`.execute(tx);
    const done = await stepOfDatabase(tx);
    if (done > STEPS.length) {
      throw new SlipwayError(
        'SERVER_DATABASE_NEWER',
        `${place} was made by a newer version of Slipway: it is at step ${done}, and this version knows ${STEPS.length}`,
      );
    }
    for (const [index, step] of STEPS.slice(0, lastStep).entries()) {
      if (index < done) continue;
      for (const statement of step(dialect === 'postgres' ? 'text collate "C"' : 'text')) {
        await sql.raw(statement).execute(tx);
      }
      await sql`insert into slipway_migrations (step) values (${index + 1})`.execute(tx);
    }
  });
}

/** The step that a database is at; 0: it has none behind it. */
export async function stepOfDatabase(db: Kysely<StoreSchema>): Promise<number> {
  const { rows } = await sql<{ done: number | null }>`select max(step) as done from slipway_migrations`.execute(db);
  return rows[0]?.done ?? 0;
}

function firstTables(TEXT: string): readonly string[] {
  return [
    `create table access_keys (
      access_key_id ${TEXT} primary key, secret_sealed ${TEXT} not null, role ${TEXT} not null, host_arn ${TEXT},
      description ${TEXT} not null, created_at_ms bigint not null, disabled_at_ms bigint)`,
    `create table secrets (name ${TEXT} primary key, value_sealed ${TEXT} not null)`,
    `create table applications (
      application_id ${TEXT} primary key, application_name ${TEXT} not null unique, compute_platform ${TEXT} not null,
      created_at_ms bigint not null)`,
    `create table revisions (
      revision_id ${TEXT} primary key, application_id ${TEXT} not null references applications on delete cascade,
      identity ${TEXT} not null, location_json ${TEXT} not null, description ${TEXT}, registered_at_ms bigint not null,
      first_used_at_ms bigint, last_used_at_ms bigint, unique (application_id, identity))`,
    `create table deployment_configs (
      deployment_config_id ${TEXT} primary key, deployment_config_name ${TEXT} not null unique, compute_platform ${TEXT} not null,
      minimum_type ${TEXT} not null, minimum_value integer not null, created_at_ms bigint not null)`,
    `create table deployment_groups (
      deployment_group_id ${TEXT} primary key, application_id ${TEXT} not null references applications on delete cascade,
      deployment_group_name ${TEXT} not null, deployment_config_name ${TEXT} not null, service_role_arn ${TEXT} not null,
      settings_json ${TEXT} not null, target_revision_json ${TEXT}, last_attempted_deployment_id ${TEXT},
      last_successful_deployment_id ${TEXT}, created_at_ms bigint not null, unique (application_id, deployment_group_name))`,
    `create table resource_tags (
      resource_arn ${TEXT} not null, tag_key ${TEXT} not null, tag_value ${TEXT} not null, primary key (resource_arn, tag_key))`,
    `create table instances (
      instance_id ${TEXT} primary key, instance_name ${TEXT} not null, instance_arn ${TEXT} not null, arn_kind ${TEXT} not null,
      host_arn ${TEXT} not null, registered_at_ms bigint not null, deregistered_at_ms bigint, last_polled_at_ms bigint,
      agent_version ${TEXT})`,
    'create unique index instances_by_name on instances (instance_name) where deregistered_at_ms is null',
    'create unique index instances_by_arn on instances (host_arn) where deregistered_at_ms is null',
    `create table instance_tags (
      instance_id ${TEXT} not null references instances on delete cascade, tag_key ${TEXT} not null, tag_value ${TEXT} not null,
      primary key (instance_id, tag_key))`,
    `create table deployments (
      deployment_id ${TEXT} primary key, application_id ${TEXT} not null references applications on delete cascade,
      application_name ${TEXT} not null, deployment_group_id ${TEXT} not null, deployment_group_name ${TEXT} not null,
      deployment_config_name ${TEXT} not null, minimum_type ${TEXT} not null, minimum_value integer not null,
      status ${TEXT} not null, revision_json ${TEXT} not null, previous_revision_json ${TEXT}, creator ${TEXT} not null,
      description ${TEXT}, file_exists_behavior ${TEXT} not null, ignore_application_stop_failures integer not null,
      update_outdated_instances_only integer not null, options_json ${TEXT} not null, created_at_ms bigint not null,
      started_at_ms bigint, completed_at_ms bigint, stop_requested_at_ms bigint, stop_rollback integer, error_code ${TEXT}, error_message ${TEXT},
      wake_at_ms bigint)`,
    'create index deployments_by_time on deployments (created_at_ms, deployment_id)',
    'create index deployments_by_group on deployments (deployment_group_id, created_at_ms, deployment_id)',
    // A group has one deployment at a time, whoever asks and however many servers there are.
    'create unique index deployments_active on deployments (deployment_group_id) where completed_at_ms is null',
    'create index deployments_to_wake on deployments (wake_at_ms) where wake_at_ms is not null',
    `create table targets (
      deployment_id ${TEXT} not null references deployments on delete cascade, instance_id ${TEXT} not null,
      target_id ${TEXT} not null, target_arn ${TEXT} not null, host_arn ${TEXT} not null, position integer not null,
      was_current integer not null, status ${TEXT} not null, updated_at_ms bigint not null, primary key (deployment_id, instance_id))`,
    `create table lifecycle_events (
      deployment_id ${TEXT} not null references deployments on delete cascade, instance_id ${TEXT} not null,
      position integer not null, event_name ${TEXT} not null, status ${TEXT} not null, host_command_id ${TEXT} unique,
      host_arn ${TEXT} not null, ready_at_ms bigint, handed_out_at_ms bigint, started_at_ms bigint, ended_at_ms bigint,
      reported_at_ms bigint, diagnostics_json ${TEXT}, primary key (deployment_id, instance_id, position))`,
    `create index lifecycle_events_ready on lifecycle_events (host_arn, ready_at_ms)
      where ready_at_ms is not null and started_at_ms is null and ended_at_ms is null`,
    `create table host_states (
      deployment_group_id ${TEXT} not null, instance_id ${TEXT} not null, health ${TEXT} not null, revision_identity ${TEXT},
      primary key (deployment_group_id, instance_id))`,
  ];
}

function restarts(TEXT: string): readonly string[] {
  return [`alter table deployments add column restart_of ${TEXT}`];
}

/** Deregistration did not always disable the host's keys: they must not come to life again when the host is registered anew. */
function keysOfDeregisteredHosts(): readonly string[] {
  return [
    `update access_keys set disabled_at_ms = (
      select max(deregistered_at_ms) from instances where instances.host_arn = access_keys.host_arn)
      where disabled_at_ms is null
      and exists (
        select 1 from instances where instances.host_arn = access_keys.host_arn
        and instances.deregistered_at_ms >= access_keys.created_at_ms)
      and not exists (
        select 1 from instances where instances.host_arn = access_keys.host_arn and instances.deregistered_at_ms is null)`,
    // A request is told whether its host is registered, and since when it is not, without a look at all hosts.
    'create index instances_by_host_arn on instances (host_arn)',
    'create index access_keys_by_host_arn on access_keys (host_arn) where host_arn is not null',
  ];
}

/** Two agents with the identity of one host are noticed by the ids of their starts. */
function agentRuns(TEXT: string): readonly string[] {
  return [
    `alter table instances add column agent_runs_json ${TEXT}`,
    'alter table instances add column identity_shared_at_ms bigint',
  ];
}

/** A page of any list is found by a key, so that it costs the same however long the list is. */
function pagesByKey(TEXT: string): readonly string[] {
  return [
    `alter table instance_tags add column instance_name ${TEXT} not null default ''`,
    'delete from instance_tags where instance_id in (select instance_id from instances where deregistered_at_ms is not null)',
    `update instance_tags set instance_name =
      (select instance_name from instances where instances.instance_id = instance_tags.instance_id)`,
    'create index instance_tags_by_tag on instance_tags (tag_key, tag_value, instance_name)',
    'create index instance_tags_by_key on instance_tags (tag_key, instance_name)',
    'create index instance_tags_by_value on instance_tags (tag_value, instance_name)',
    'create index instances_by_any_name on instances (instance_name, registered_at_ms)',
    'create index instances_of_the_past on instances (instance_name) where deregistered_at_ms is not null',
    'create index instances_by_end on instances (deregistered_at_ms) where deregistered_at_ms is not null',
    'create index host_states_by_instance on host_states (instance_id)',
    'create index revisions_by_registration on revisions (application_id, registered_at_ms, revision_id)',
    'create index revisions_by_first_use on revisions (application_id, (coalesce(first_used_at_ms, 0)), revision_id)',
    'create index revisions_by_last_use on revisions (application_id, (coalesce(last_used_at_ms, 0)), revision_id)',
    'create index groups_by_config on deployment_groups (deployment_config_name)',
    'create index deployments_by_status on deployments (status, created_at_ms, deployment_id)',
  ];
}

/** The settings of a deployment are stored with it; deployments from before have those of their groups. */
function storedSettings(TEXT: string): readonly string[] {
  return [`alter table deployments add column settings_json ${TEXT}`];
}

/** Retention finds old records by their age, however much is kept. */
function retention(): readonly string[] {
  return [
    'alter table deployments add column diagnostics_deleted_at_ms bigint',
    'create index deployments_by_end on deployments (completed_at_ms, deployment_id) where completed_at_ms is not null',
    `create index deployments_with_diagnostics on deployments (completed_at_ms, deployment_id)
      where completed_at_ms is not null and diagnostics_deleted_at_ms is null`,
    'create index revisions_by_latest_use on revisions ((coalesce(last_used_at_ms, registered_at_ms)), revision_id)',
    'create index host_states_by_revision on host_states (revision_identity) where revision_identity is not null',
  ];
}

/** Users of the IAM API, whose keys speak for hosts. */
function users(TEXT: string): readonly string[] {
  return [
    `create table users (
      user_name ${TEXT} primary key, name_in_lower_case ${TEXT} not null unique, user_id ${TEXT} not null,
      user_path ${TEXT} not null, user_arn ${TEXT} not null unique, policies_json ${TEXT} not null,
      created_at_ms bigint not null)`,
  ];
}

/** A step of a deployment costs what has changed: it finds that, and how the rest stands, without reading all. */
function changedTargets(TEXT: string): readonly string[] {
  return [
    `create table changed_targets (
      deployment_id ${TEXT} not null references deployments on delete cascade, instance_id ${TEXT} not null,
      primary key (deployment_id, instance_id))`,
    'create index targets_by_status on targets (deployment_id, was_current, status, position)',
  ];
}

/** Whether a key has lost its power is asked every second. */
function lostPowers(): readonly string[] {
  return ['create index access_keys_disabled on access_keys (disabled_at_ms) where disabled_at_ms is not null'];
}

/** A revision that is registered once more is as new as one that is deployed: retention goes by the later of the two. */
function registeredAgain(): readonly string[] {
  return [
    'alter table revisions add column latest_use_at_ms bigint not null default 0',
    'update revisions set latest_use_at_ms = coalesce(last_used_at_ms, registered_at_ms)',
    'drop index revisions_by_latest_use',
    'create index revisions_by_latest_use on revisions (latest_use_at_ms, revision_id)',
  ];
}

/** Deployments that go from zone to zone. */
function zones(TEXT: string): readonly string[] {
  return [
    `alter table deployment_configs add column zonal_json ${TEXT}`,
    `alter table targets add column zone ${TEXT}`,
  ];
}

/** One row for each quota, to be locked while something is counted and made. */
function quotas(TEXT: string): readonly string[] {
  return [
    `create table quotas (quota ${TEXT} primary key)`,
    "insert into quotas (quota) values ('applications'), ('deployment_configs')",
  ];
}

/** Events that no host carries out are orders to the server. */
function orders(TEXT: string): readonly string[] {
  return [
    `create table orders (
      order_id ${TEXT} primary key, deployment_id ${TEXT} not null references deployments on delete cascade,
      instance_id ${TEXT} not null, position integer not null, kind ${TEXT} not null, wake_at_ms bigint, lease_id ${TEXT},
      lease_until_ms bigint, memory_json ${TEXT}, last_call ${TEXT}, last_answer ${TEXT}, given_at_ms bigint not null)`,
    'create index orders_to_wake on orders (wake_at_ms) where wake_at_ms is not null',
    'create index orders_by_deployment on orders (deployment_id)',
  ];
}

/** One entry for each request that has changed something. */
function auditLog(TEXT: string): readonly string[] {
  return [
    `create table audit_entries (
      request_id ${TEXT} primary key, at_ms bigint not null, actor ${TEXT} not null, role ${TEXT} not null,
      operation ${TEXT} not null, application_name ${TEXT}, deployment_group_name ${TEXT}, deployment_id ${TEXT},
      instance_names ${TEXT}, made ${TEXT}, request_json ${TEXT} not null)`,
    'create index audit_entries_by_time on audit_entries (at_ms, request_id)',
    'create index audit_entries_by_actor on audit_entries (actor, at_ms, request_id)',
    'create index audit_entries_by_application on audit_entries (application_name, at_ms, request_id)',
  ];
}

/** Columns for automatic deployments: when a host got its revision, and how often a deployment to it was tried in vain. */
function automaticDeployments(TEXT: string): readonly string[] {
  return [
    'alter table host_states add column left_at_ms bigint',
    'alter table host_states add column is_missed integer not null default 0',
    `alter table host_states add column automatic ${TEXT}`,
    `alter table host_states add column tries_of ${TEXT}`,
    'alter table host_states add column failed_tries integer not null default 0',
    'create index host_states_tried on host_states (instance_id) where tries_of is not null',
  ];
}

/** Deployments that watch alarms. */
function alarms(TEXT: string): readonly string[] {
  return [
    `alter table deployments add column alarms_json ${TEXT}`,
    'alter table deployments add column alarms_read_at_ms bigint',
    `alter table deployments add column stopped_by_alarm ${TEXT}`,
    `create index deployments_with_alarms on deployments (deployment_id)
      where alarms_json is not null and completed_at_ms is null`,
  ];
}

/** Groups that say nothing of outdated hosts update them now. Those from before, when none did, go on as their owners know them. */
function strategiesOfBefore(): readonly string[] {
  return [
    `update deployment_groups set settings_json = case settings_json
      when '{}' then '{"outdatedInstancesStrategy":"IGNORE"}'
      else '{"outdatedInstancesStrategy":"IGNORE",' || substr(settings_json, 2) end
      where settings_json not like '%"outdatedInstancesStrategy"%'`,
  ];
}

/** Keys that are limited to some applications and groups. */
function keyScopes(TEXT: string): readonly string[] {
  return [`alter table access_keys add column scope_json ${TEXT}`];
}

/** How a host was last taken out of its balancers is found without a look at all orders. */
function ordersByInstance(): readonly string[] {
  return ['create index orders_by_instance on orders (instance_id, given_at_ms)'];
}

/** Deployments with two fleets, and their waits. */
function blueGreen(TEXT: string): readonly string[] {
  return [
    `alter table targets add column label ${TEXT}`,
    'alter table targets add column installed_at_ms bigint',
    'alter table deployments add column ready_at_ms bigint',
    'alter table deployments add column continued_at_ms bigint',
    'alter table deployments add column termination_wait_at_ms bigint',
    'alter table deployments add column wait_skipped_at_ms bigint',
  ];
}

/** Tokens that hosts enrol with. */
function enrolmentTokens(TEXT: string): readonly string[] {
  return [
    `create table enrolment_tokens (
      token_id ${TEXT} primary key, secret_sha256 ${TEXT} not null, made_by ${TEXT} not null, description ${TEXT} not null,
      tags_json ${TEXT} not null, name_pattern ${TEXT}, may_take_over integer not null, uses integer not null,
      uses_left integer not null, created_at_ms bigint not null, expires_at_ms bigint not null, revoked_at_ms bigint)`,
  ];
}

/** When what was deployed where, by whom: found by a key, however long the history and however large the fleet. */
function historyPages(): readonly string[] {
  return [
    'create index deployments_by_application on deployments (application_id, created_at_ms, deployment_id)',
    'create index targets_by_position on targets (deployment_id, position)',
    'create index targets_by_host on targets (target_id, deployment_id)',
    'create index audit_entries_by_made on audit_entries (made) where made is not null',
  ];
}

/** Notices of triggers, and the queues in which they wait. */
function notices(TEXT: string): readonly string[] {
  return [
    `create table notices (
      notice_id ${TEXT} primary key, deployment_id ${TEXT} not null references deployments on delete cascade,
      position integer not null, event ${TEXT} not null, instance_id ${TEXT}, trigger_name ${TEXT} not null,
      target ${TEXT} not null, subject ${TEXT} not null, payload_json ${TEXT} not null, made_at_ms bigint not null,
      tries integer not null, tried_at_ms bigint, sent_at_ms bigint, given_up_at_ms bigint, last_answer ${TEXT})`,
    'create index notices_by_deployment on notices (deployment_id, position)',
    'create index notices_by_time on notices (made_at_ms, notice_id)',
    `create index notices_that_wait on notices (deployment_id, target, position)
      where sent_at_ms is null and given_up_at_ms is null`,
    'create index notices_given_up on notices (made_at_ms, notice_id) where given_up_at_ms is not null',
    `create table notice_queues (
      deployment_id ${TEXT} not null references deployments on delete cascade, target ${TEXT} not null, wake_at_ms bigint,
      lease_id ${TEXT}, lease_until_ms bigint, failures integer not null, primary key (deployment_id, target))`,
    'create index notice_queues_to_wake on notice_queues (wake_at_ms) where wake_at_ms is not null',
  ];
}

/** Hosts that groups have by what AWS says of them. */
function fleets(TEXT: string): readonly string[] {
  return [
    `create table fleets (
      deployment_group_id ${TEXT} primary key references deployment_groups on delete cascade, read_at_ms bigint,
      failing_json ${TEXT})`,
    `create table fleet_members (
      deployment_group_id ${TEXT} not null references deployment_groups on delete cascade, ec2_instance_id ${TEXT} not null,
      instance_arn ${TEXT} not null, instance_id ${TEXT}, auto_scaling_group ${TEXT}, availability_zone ${TEXT},
      stage ${TEXT} not null, stage_since_ms bigint not null, primary key (deployment_group_id, ec2_instance_id))`,
  ];
}

/** Tokens for hosts of git repositories. */
function gitTokens(TEXT: string): readonly string[] {
  return [
    `create table git_tokens (
      token_name ${TEXT} primary key, url ${TEXT} not null, user_name ${TEXT} not null, applications_json ${TEXT} not null,
      token_sealed ${TEXT} not null, created_at_ms bigint not null)`,
    "insert into quotas (quota) values ('git_tokens')",
  ];
}

/** Lifecycle hooks of Auto Scaling groups, and the instances that wait at them. */
function scalingHooks(TEXT: string): readonly string[] {
  return [
    `create table scaling_hooks (
      hook_name ${TEXT} primary key, deployment_group_id ${TEXT} not null, auto_scaling_group ${TEXT} not null, kind ${TEXT} not null,
      is_wanted integer not null, put_at_ms bigint, wake_at_ms bigint not null, lease_until_ms bigint, failing_json ${TEXT})`,
    'create index scaling_hooks_by_group on scaling_hooks (deployment_group_id)',
    'create index scaling_hooks_to_wake on scaling_hooks (wake_at_ms)',
    `create table lifecycle_actions (
      hook_name ${TEXT} not null references scaling_hooks on delete cascade, ec2_instance_id ${TEXT} not null,
      began_at_ms bigint not null, beaten_at_ms bigint not null, result ${TEXT}, told_at_ms bigint,
      wake_at_ms bigint not null, lease_until_ms bigint, failing_json ${TEXT}, primary key (hook_name, ec2_instance_id))`,
  ];
}

/** Configurations of Lambda and ECS, which say nothing of hosts. No dialect of both can make a column take nothing; so the table is made anew. */
function trafficConfigs(TEXT: string): readonly string[] {
  const kept =
    'deployment_config_id, deployment_config_name, compute_platform, minimum_type, minimum_value, zonal_json';
  return [
    `create table configs_of_platforms (
      deployment_config_id ${TEXT} primary key, deployment_config_name ${TEXT} not null unique, compute_platform ${TEXT} not null,
      minimum_type ${TEXT}, minimum_value integer, zonal_json ${TEXT}, traffic_json ${TEXT}, created_at_ms bigint not null)`,
    `insert into configs_of_platforms (${kept}, created_at_ms) select ${kept}, created_at_ms from deployment_configs`,
    'drop table deployment_configs',
    'alter table configs_of_platforms rename to deployment_configs',
  ];
}

/** Processes of Auto Scaling groups that rest while a deployment runs. */
function suspensions(TEXT: string): readonly string[] {
  return [
    `create table suspensions (
      deployment_id ${TEXT} primary key, wish_json ${TEXT} not null, state ${TEXT} not null, wake_at_ms bigint not null,
      lease_until_ms bigint, failing_json ${TEXT})`,
    `create table suspended_processes (
      deployment_id ${TEXT} not null references suspensions on delete cascade, auto_scaling_group ${TEXT} not null,
      process ${TEXT} not null, primary key (deployment_id, auto_scaling_group, process))`,
  ];
}

/** Replacement hosts of blue/green deployments, where AWS says which they are. */
function replacementFleets(TEXT: string): readonly string[] {
  return [
    `create table replacement_fleets (
      deployment_id ${TEXT} primary key references deployments on delete cascade, read_at_ms bigint, failing_json ${TEXT},
      members_json ${TEXT} not null)`,
  ];
}

/** Which deployment group has a service of ECS. */
function ecsServices(TEXT: string): readonly string[] {
  return [
    `create table ecs_services (
      service_key ${TEXT} primary key,
      deployment_group_id ${TEXT} not null references deployment_groups on delete cascade)`,
    'create index ecs_services_by_group on ecs_services (deployment_group_id)',
  ];
}

/** Which deployment an instance waits for that is terminated. */
function terminationHooks(TEXT: string): readonly string[] {
  return [`alter table lifecycle_actions add column deployment_id ${TEXT}`];
}

/** Orders that no lifecycle event has, with their outcomes. */
function ordersOfDeployments(TEXT: string): readonly string[] {
  return [`alter table orders add column outcome ${TEXT}`, `alter table orders add column message ${TEXT}`];
}

/** Targets that are no hosts: functions and services. */
function shiftedTargets(TEXT: string): readonly string[] {
  return [`alter table targets add column details_json ${TEXT}`];
}

/** Sessions of the console. */
function consoleSessions(TEXT: string): readonly string[] {
  return [
    `create table console_sessions (
      session_sha256 ${TEXT} primary key, sign_in_sha256 ${TEXT} not null unique, access_key_id ${TEXT} not null,
      created_at_ms bigint not null, expires_at_ms bigint not null, ended_at_ms bigint)`,
    'create index console_sessions_by_key on console_sessions (access_key_id)',
    'create index console_sessions_by_end on console_sessions (expires_at_ms)',
  ];
}

/** Sessions of people whom an OpenID Connect provider has signed in. */
function sessionsOfPeople(TEXT: string): readonly string[] {
  return [
    `alter table console_sessions add column issuer ${TEXT}`,
    `alter table console_sessions add column person_name ${TEXT}`,
  ];
}

/** Output of scripts while they run, in pieces. The text comes last: a question about sizes then does not read it. */
function eventLogs(TEXT: string): readonly string[] {
  return [
    `create table event_logs (
      deployment_id ${TEXT} not null, instance_id ${TEXT} not null, position integer not null, first_byte bigint not null,
      size_bytes integer not null, written_at_ms bigint not null, log_text ${TEXT} not null,
      primary key (deployment_id, instance_id, position, first_byte))`,
  ];
}

/** A subject means one person at one provider only. People who have signed in belong to the provider of their last sign-in. */
function issuersOfPeople(TEXT: string): readonly string[] {
  return [
    `alter table access_keys add column issuer ${TEXT}`,
    `update access_keys set issuer = (
      select s.issuer from console_sessions s where s.access_key_id = access_keys.access_key_id
      and s.issuer is not null order by s.created_at_ms desc limit 1)
      where access_key_id like 'oidc:%'`,
  ];
}
