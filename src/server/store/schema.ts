/**
 * The tables, as the query layer sees them. They use one portable subset of SQLite and PostgreSQL: text ids, integer epoch milliseconds
 * (`…_at_ms`), JSON as text (`…_json`), booleans as 0 and 1. The file `migrations.ts` makes exactly these tables.
 *
 * Names that the API shows (application, deployment group, host) are copied into a deployment when it is created. So its record stays
 * readable after a rename or a deletion.
 */

export type ComputePlatform = 'Server' | 'Lambda' | 'ECS';
export type Role = 'admin' | 'operator' | 'viewer' | 'host' | 'hook';

export type DeploymentStatus = 'Created' | 'Queued' | 'InProgress' | 'Ready' | 'Succeeded' | 'Failed' | 'Stopped';
export type TargetStatus = 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped' | 'Ready' | 'Unknown';
export type LifecycleEventStatus = 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped' | 'Unknown';

export interface AccessKeyRow {
  access_key_id: string;
  /** The secret key, sealed with the server's master key: verifying a signature needs the secret itself, not a hash. */
  secret_sealed: string;
  role: Role;
  /** For role `host`: the only host identifier that this key may speak for. */
  host_arn: string | null;
  /** `KeyScope` of `protocol/management/key-scope`; null: the key is not limited. Only a person's is ever changed (`people.ts`). */
  scope_json: string | null;
  description: string;
  created_at_ms: number;
  disabled_at_ms: number | null;
  /** For a person: the OpenID Connect provider that the row is bound to; null: that of the next sign-in. */
  issuer: string | null;
}

/** A user of the IAM API: the identity of an on-premises host, which RegisterOnPremisesInstance binds. */
export interface UserRow {
  user_name: string;
  /** Names are unique whatever the case of their letters, as in IAM. */
  name_in_lower_case: string;
  user_id: string;
  user_path: string;
  /** ARN that the user's keys speak for, and that a registered host has as its identity. */
  user_arn: string;
  /** Name → document of its policies. They say what a host may do anyway, and give nothing. */
  policies_json: string;
  created_at_ms: number;
}

/** Secrets of the server, by name: the signer's CA and key, the cursor key. */
export interface SecretRow {
  name: string;
  value_sealed: string;
}

export interface ApplicationRow {
  application_id: string;
  application_name: string;
  compute_platform: ComputePlatform;
  created_at_ms: number;
}

export interface RevisionRow {
  revision_id: string;
  application_id: string;
  /** Canonical text of what makes two locations the same revision; unique within an application. */
  identity: string;
  /** RevisionLocation as the API has it. */
  location_json: string;
  description: string | null;
  registered_at_ms: number;
  first_used_at_ms: number | null;
  last_used_at_ms: number | null;
  /** Its last deployment or its last registration, whichever came later. Retention goes by it. */
  latest_use_at_ms: number;
}

/** Locked while something is made of which there may be so many. */
export interface QuotaRow {
  quota: 'applications' | 'deployment_configs' | 'git_tokens';
}

/** Custom configurations only; the predefined ones are constants. */
export interface DeploymentConfigRow {
  deployment_config_id: string;
  deployment_config_name: string;
  compute_platform: ComputePlatform;
  /** null: it is for Lambda or ECS. */
  minimum_type: 'HOST_COUNT' | 'FLEET_PERCENT' | null;
  minimum_value: number | null;
  /** `zonalConfig` as the API has it; null: hosts are deployed to whatever their zones are. */
  zonal_json: string | null;
  /** `TrafficRouting` of `engine/shifting/schedule`; null: it is for hosts. */
  traffic_json: string | null;
  created_at_ms: number;
}

export interface DeploymentGroupRow {
  deployment_group_id: string;
  application_id: string;
  deployment_group_name: string;
  deployment_config_name: string;
  service_role_arn: string;
  /** The other members of the API's shape, as given: tag filters, style, alarms, triggers, rollback and so on. */
  settings_json: string;
  target_revision_json: string | null;
  last_attempted_deployment_id: string | null;
  last_successful_deployment_id: string | null;
  created_at_ms: number;
}

/** A service of ECS, which one deployment group has at most. */
export interface EcsServiceRow {
  /** `CLUSTER/SERVICE`, both by their short names. */
  service_key: string;
  deployment_group_id: string;
}

export interface ResourceTagRow {
  resource_arn: string;
  tag_key: string;
  tag_value: string;
}

/** An on-premises instance: registered, or once registered and kept as a record. */
export interface InstanceRow {
  instance_id: string;
  instance_name: string;
  instance_arn: string;
  arn_kind: 'user' | 'session';
  /** The IAM user or session ARN: what the agent calls its host identifier. */
  host_arn: string;
  registered_at_ms: number;
  deregistered_at_ms: number | null;
  last_polled_at_ms: number | null;
  agent_version: string | null;
  /** Ids of the starts of its agents, a list of texts, the one that polled last first. */
  agent_runs_json: string | null;
  /** When it was last seen that two agents use its identity. */
  identity_shared_at_ms: number | null;
}

export interface InstanceTagRow {
  instance_id: string;
  /** The instance's, which never changes, so that instances with a tag can be listed by name. */
  instance_name: string;
  tag_key: string;
  tag_value: string;
}

export interface DeploymentRow {
  deployment_id: string;
  application_id: string;
  application_name: string;
  deployment_group_id: string;
  deployment_group_name: string;
  deployment_config_name: string;
  /** The minimum of healthy hosts as it was when the deployment was created. */
  minimum_type: 'HOST_COUNT' | 'FLEET_PERCENT' | 'MOST_CONCURRENCY';
  minimum_value: number;
  status: DeploymentStatus;
  revision_json: string;
  previous_revision_json: string | null;
  creator: string;
  description: string | null;
  file_exists_behavior: 'DISALLOW' | 'OVERWRITE' | 'RETAIN';
  ignore_application_stop_failures: number;
  update_outdated_instances_only: number;
  /** The mode RESTART: the deployment whose files its hosts take again; null: the mode STANDARD, hosts download. */
  restart_of: string | null;
  /** `DeploymentOptions` of `engine/settings`: members of CreateDeployment that are shown as given, and what is known of rollbacks. */
  options_json: string;
  /** `DeploymentSettings` of `engine/settings`, as they were when the deployment was created; null: an older version created it. */
  settings_json: string | null;
  created_at_ms: number;
  started_at_ms: number | null;
  completed_at_ms: number | null;
  stop_requested_at_ms: number | null;
  /** Wish of the stop's caller about a rollback: 1 yes, 0 no, null nothing (then the configuration decides). */
  stop_rollback: number | null;
  /** `WatchedAlarms` of `engine/alarms`; null: it watches none. */
  alarms_json: string | null;
  /** When its alarms were last read; null: not yet, so it does not begin. */
  alarms_read_at_ms: number | null;
  /** Why an alarm has stopped it; null: none has. */
  stopped_by_alarm: string | null;
  error_code: string | null;
  error_message: string | null;
  /** Blue/green: when enough replacement hosts were installed; null: not yet. */
  ready_at_ms: number | null;
  /** Blue/green: when somebody had traffic rerouted; null: nobody has. */
  continued_at_ms: number | null;
  /** Blue/green: when the wait before the original hosts are terminated began; null: not yet. */
  termination_wait_at_ms: number | null;
  /** Blue/green: when somebody ended that wait; null: nobody has. */
  wait_skipped_at_ms: number | null;
  /** When the engine has to look at it next, at the latest; null once final. */
  wake_at_ms: number | null;
  /** When retention deleted the diagnostics of its events; null: they are there. */
  diagnostics_deleted_at_ms: number | null;
}

export interface TargetRow {
  deployment_id: string;
  instance_id: string;
  /** The instance's name, as the API calls the target. */
  target_id: string;
  target_arn: string;
  host_arn: string;
  /** Order of attempt, from 0. */
  position: number;
  /** 1: ran the revision already and was asked to be left alone; Skipped from the beginning and not counted. */
  was_current: number;
  /** The value of its host's zone tag when the deployment began; null: it had none, or no zones are asked for. */
  zone: string | null;
  /** Its fleet in a blue/green deployment, `green` for a replacement host; null: the deployment is in place. */
  label: 'blue' | 'green' | null;
  /** Blue/green: when it was installed and could take traffic; null: not yet, or it is an original host. */
  installed_at_ms: number | null;
  /** Facts that the API shows of a function or a service, which move with its traffic; null: it is a host. */
  details_json: string | null;
  status: TargetStatus;
  updated_at_ms: number;
}

export interface LifecycleEventRow {
  deployment_id: string;
  instance_id: string;
  /** From 0, in the order the events run. */
  position: number;
  event_name: string;
  status: LifecycleEventStatus;
  /** Unique; made when the command becomes ready to be handed out. null before. For a hook it is the id of its execution, by which the hook answers. */
  host_command_id: string | null;
  host_arn: string;
  ready_at_ms: number | null;
  /** When a poll last took it. Taken again only if it was not acknowledged for a long time. */
  handed_out_at_ms: number | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  /** When the host's outcome arrived; may be after the engine has given the event up and ended it. */
  reported_at_ms: number | null;
  /** Diagnostics as the API has them. */
  diagnostics_json: string | null;
}

/** A piece of what the scripts of an event have written. Pieces of one event follow each other; between two of them some may be lost. */
export interface EventLogRow {
  deployment_id: string;
  instance_id: string;
  /** Position of the event in its deployment. */
  position: number;
  /** How many bytes of the event's log come before this piece. */
  first_byte: number;
  /** Size of the text in UTF-8. */
  size_bytes: number;
  /** When something was last added to the piece. */
  written_at_ms: number;
  log_text: string;
}

/** State that the last deployment of a group left on one host: its health and the revision that runs there. */
export interface HostStateRow {
  deployment_group_id: string;
  instance_id: string;
  health: 'healthy' | 'unhealthy';
  /** Identity of the last revision installed successfully; null: unknown. */
  revision_identity: string | null;
  /** When that deployment ended; null: an older version wrote the row. */
  left_at_ms: number | null;
  /** 1: it failed because the host was not there. */
  is_missed: number;
  /** The creator, where the deployment was an automatic one. */
  automatic: 'autoscaling' | 'CodeDeployAutoUpdate' | null;
  /** The group's last successful deployment whose revision automatic ones failed to bring; null: none failed. */
  tries_of: string | null;
  /** How many did, one after another. */
  failed_tries: number;
}

/** Facts of the server about the EC2 side of a deployment group. */
export interface FleetRow {
  deployment_group_id: string;
  /** When the last reading began that AWS has answered; null: none has been. */
  read_at_ms: number | null;
  /** `FleetFailure` of `engine/hosts/fleet`: why AWS gives no answer; null: it does. */
  failing_json: string | null;
}

/** The replacement hosts of a blue/green deployment, where AWS says which they are. */
export interface ReplacementFleetRow {
  deployment_id: string;
  /** As in `FleetRow`. */
  read_at_ms: number | null;
  failing_json: string | null;
  /** A list of `FleetMemberRow`. */
  members_json: string;
}

/** An instance that AWS has in a deployment group. */
export interface FleetMemberRow {
  deployment_group_id: string;
  ec2_instance_id: string;
  instance_arn: string;
  /** The enrolled host that it is; null: none. */
  instance_id: string | null;
  /** null: it was found by its tags. */
  auto_scaling_group: string | null;
  availability_zone: string | null;
  /** `launching`, `warming` and `terminating` ones wait for the server's answer. */
  stage: 'in-service' | 'launching' | 'warming' | 'terminating';
  /** When it was first seen at this stage. */
  stage_since_ms: number;
}

/**
 * A lifecycle hook that a deployment group wants on an Auto Scaling group, or is to be rid of. It names its deployment group without a reference: a
 * hook that outlives it has still to be removed.
 */
export interface ScalingHookRow {
  hook_name: string;
  deployment_group_id: string;
  auto_scaling_group: string;
  /** Instances wait at it before they are in service, or before they are terminated. */
  kind: 'launch' | 'termination';
  /** 0: it is to be removed. */
  is_wanted: number;
  /** When AWS last took it; null: not yet. */
  put_at_ms: number | null;
  /** When AWS is told again. */
  wake_at_ms: number;
  /** Until when a server may be telling AWS; null: none is. */
  lease_until_ms: number | null;
  /** `ScalingFailure` of `engine/hosts/scaling-failure`; null: the last call did not fail. */
  failing_json: string | null;
}

/** An instance that waits at a hook for the server's answer. */
export interface LifecycleActionRow {
  hook_name: string;
  ec2_instance_id: string;
  /** Since when, as far as is known here. */
  began_at_ms: number;
  /** When AWS last heard that it is still being worked on. */
  beaten_at_ms: number;
  /** That stops the application on an instance which is terminated; null: none, or not yet. */
  deployment_id: string | null;
  /** Answer that AWS was given, or is to be given; null: none yet. */
  result: 'CONTINUE' | 'ABANDON' | null;
  /** When AWS took the result; null: it did not yet. */
  told_at_ms: number | null;
  wake_at_ms: number;
  lease_until_ms: number | null;
  failing_json: string | null;
}

/**
 * The processes of Auto Scaling groups that rest while a deployment runs. It names its deployment without a reference: what was suspended is to be
 * resumed also where the deployment is deleted meanwhile.
 */
export interface SuspensionRow {
  deployment_id: string;
  /** `Suspends` of `engine/settings`. */
  wish_json: string;
  /**
   * `suspend` and `resume` are to be done; `refused`: AWS does not suspend them; `left`: AWS does not resume them, and nobody asks it any more.
   */
  state: 'suspend' | 'suspended' | 'refused' | 'resume' | 'resumed' | 'left';
  wake_at_ms: number;
  lease_until_ms: number | null;
  failing_json: string | null;
}

/** A process that was running before, and rests now for a deployment. It runs again once no deployment has a row of it. */
export interface SuspendedProcessRow {
  deployment_id: string;
  auto_scaling_group: string;
  process: string;
}

/** A target of which an event has ended since its deployment's last step. */
export interface ChangedTargetRow {
  deployment_id: string;
  instance_id: string;
}

/** Something that the server itself has to do for a lifecycle event, or for a deployment as a whole. */
export interface OrderRow {
  /** Follows from the event: deployment, instance and position. Id of a deployment's own order: deployment, kind and what it is about. */
  order_id: string;
  deployment_id: string;
  /** Subject of a deployment's own order, which may be the deployment itself. */
  instance_id: string;
  /** The event's; -1: it is the deployment's own, and no event has it. */
  position: number;
  /** The event's name, or `DeploymentOrderKind` of `store/deployment-orders`: it says who carries it out. */
  kind: string;
  /** When it is to be looked at next; null: it is over. */
  wake_at_ms: number | null;
  /** Which lease holds it, and until when; null: none. */
  lease_id: string | null;
  lease_until_ms: number | null;
  /** Memory of the order's handler from one call to the next. */
  memory_json: string | null;
  /** The last call that was made to the other side, in words, and what was answered. */
  last_call: string | null;
  last_answer: string | null;
  given_at_ms: number;
  /** How a deployment's own order has ended, and what there is to say of it; null: not yet, or an event has it. */
  outcome: 'Succeeded' | 'Failed' | null;
  message: string | null;
}

/** A message to somebody about a deployment or one of its targets. */
export interface NoticeRow {
  /** Follows from what has changed: deployment, instance, event and trigger. */
  notice_id: string;
  deployment_id: string;
  /** From 0, in the order in which things have happened in the deployment. */
  position: number;
  event: string;
  /** null: it is about the deployment. */
  instance_id: string | null;
  trigger_name: string;
  /** The ARN of a topic, or the name of a webhook. */
  target: string;
  subject: string;
  /** Payload that is sent, without region and account. */
  payload_json: string;
  made_at_ms: number;
  tries: number;
  tried_at_ms: number | null;
  sent_at_ms: number | null;
  /** Time when it was given up. A notice with neither this nor `sent_at_ms` waits. */
  given_up_at_ms: number | null;
  last_answer: string | null;
}

/** The notices of one deployment to one target, which are sent one after another. */
export interface NoticeQueueRow {
  deployment_id: string;
  target: string;
  /** When it is to be looked at next; null: nothing in it waits. */
  wake_at_ms: number | null;
  /** Which lease holds it, and until when; null: none. */
  lease_id: string | null;
  lease_until_ms: number | null;
  /** How many times in a row its target took nothing. */
  failures: number;
}

/** Actor of an entry in the audit log; `token`: a host with an enrolment token; `machine`: a user on the server's own machine. */
export type AuditRole = Role | 'token' | 'machine';

/** A request that has changed something. Kept as it was said: names of then, and no reference to what may be deleted. */
export interface AuditEntryRow {
  request_id: string;
  at_ms: number;
  actor: string;
  role: AuditRole;
  operation: string;
  application_name: string | null;
  deployment_group_name: string | null;
  deployment_id: string | null;
  /** One name, or several with commas between them. */
  instance_names: string | null;
  /** The id of the deployment, the key or the token that it has made. */
  made: string | null;
  /** The members of the request; see `server/audit/shown-members.ts`. */
  request_json: string;
}

/** A token that hosts enrol with. */
export interface EnrolmentTokenRow {
  token_id: string;
  /** Hash of the secret, in hex: the secret itself is told once, and kept nowhere. */
  secret_sha256: string;
  /** The access key that made it; a token ends with it. */
  made_by: string;
  description: string;
  /** Tags that its hosts get. */
  tags_json: string;
  /** Pattern of the names that its hosts may have, `*` for any characters; null: any name. */
  name_pattern: string | null;
  /** 1: a host that is registered may be taken over. */
  may_take_over: number;
  uses: number;
  uses_left: number;
  created_at_ms: number;
  expires_at_ms: number;
  revoked_at_ms: number | null;
}

/** Session of a person who has signed in to the console. */
export interface ConsoleSessionRow {
  /** Hash of the secret that the browser has, in hex. */
  session_sha256: string;
  /** Hash of the signature, or of the provider's answer, that it was made with, in hex; unique, so that each signs in once. */
  sign_in_sha256: string;
  /** The key whose power it has; a session ends with it. */
  access_key_id: string;
  created_at_ms: number;
  expires_at_ms: number;
  /** When somebody signed out, or newer sessions took its place; null: nobody has. */
  ended_at_ms: number | null;
  /** The OpenID Connect provider that has signed the person in; null: an access key has. */
  issuer: string | null;
  /** Name of that person, for people to read. */
  person_name: string | null;
}

/** A token with which hosts fetch from git repositories that are not public. */
export interface GitTokenRow {
  token_name: string;
  /** Address of a git host, of an account at it, or of a repository. */
  url: string;
  /** User name that goes with the token where a name and a password are asked for. */
  user_name: string;
  /** Patterns of the names of applications that may use it. */
  applications_json: string;
  token_sealed: string;
  created_at_ms: number;
}

export interface StoreSchema {
  audit_entries: AuditEntryRow;
  access_keys: AccessKeyRow;
  enrolment_tokens: EnrolmentTokenRow;
  git_tokens: GitTokenRow;
  console_sessions: ConsoleSessionRow;
  users: UserRow;
  secrets: SecretRow;
  applications: ApplicationRow;
  revisions: RevisionRow;
  deployment_configs: DeploymentConfigRow;
  deployment_groups: DeploymentGroupRow;
  ecs_services: EcsServiceRow;
  resource_tags: ResourceTagRow;
  instances: InstanceRow;
  instance_tags: InstanceTagRow;
  deployments: DeploymentRow;
  targets: TargetRow;
  lifecycle_events: LifecycleEventRow;
  event_logs: EventLogRow;
  changed_targets: ChangedTargetRow;
  orders: OrderRow;
  notices: NoticeRow;
  notice_queues: NoticeQueueRow;
  host_states: HostStateRow;
  fleets: FleetRow;
  fleet_members: FleetMemberRow;
  replacement_fleets: ReplacementFleetRow;
  scaling_hooks: ScalingHookRow;
  lifecycle_actions: LifecycleActionRow;
  suspensions: SuspensionRow;
  suspended_processes: SuspendedProcessRow;
  quotas: QuotaRow;
}
