import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { DEFAULT_CONFIG_FILE } from './default-config-file.ts';
import { type GroupSettings, SIGNATURE_POLICIES, type SignatureRules, withGroupSettings } from './group-settings.ts';
import { type KeyType, type KeyValue, readValue } from './keys.ts';
import { readSettings } from './settings-file.ts';

/** One key of the agent's configuration file: what it is called, what it may hold, what it does. Docs and tests read this table. */
interface ConfigKey {
  readonly key: string;
  readonly type: KeyType;
  readonly default: KeyValue;
  readonly meaning: string;
}

/** What the official agents 1.8.1 and 2.x know and this agent heeds, then its own keys. */
export const AGENT_CONFIG_KEYS = [
  key('program_name', 'name', 'codedeploy-agent', 'base name of the log and PID files'),
  key(
    'root_dir',
    'path',
    '/opt/codedeploy-agent/deployment-root',
    'where revisions and everything about deployments are kept',
  ),
  key('log_dir', 'path', '/var/log/aws/codedeploy-agent', 'where the agent’s own log is'),
  key('restrict_log_dir_permissions', 'boolean', false, 'the agent’s log for its user and group only: 0750 and 0640'),
  key(
    'restrict_agent_dir_permissions',
    'boolean',
    false,
    'keep other users out of root_dir: folders 0711 and 0700, logs 0750 and 0640, files 0600; scripts with runas still run',
  ),
  key('pid_dir', 'path', '/opt/codedeploy-agent/state/.pid', 'where the PID file and the lock are'),
  key('verbose', 'boolean', false, 'log at debug level'),
  key(
    'log_aws_wire',
    'boolean',
    false,
    'keep requests to the control endpoint and S3 with their answers in <program_name>.aws_wire.log beside the log; 16 files of 64 MiB',
  ),
  key('disable_core_dumps', 'boolean', true, 'no core dumps of the agent, nor of scripts that do not ask for them'),
  key(
    'wait_between_runs',
    'seconds',
    30,
    'pause after a poll that brought nothing; with a server that holds polls, 1 is right',
  ),
  key('wait_between_runs_active', 'seconds', null, 'the same pause while commands run; else wait_between_runs'),
  key('http_read_timeout', 'seconds', 80, 'how long to wait for an answer; longer than the server holds a poll'),
  key('kill_agent_max_wait_time_seconds', 'seconds', 7200, 'how long a stop waits for running commands; at most 86400'),
  key('max_revisions', 'count', 5, 'revisions kept of each deployment group, the current one included'),
  key(
    'max_revisions_bytes',
    'bytes',
    null,
    'most that the revisions of one deployment group may take on disk, such as 20GB; else only max_revisions counts',
  ),
  key(
    'enable_archive_reuse',
    'boolean',
    true,
    'take the files of an earlier deployment again where the server says so',
  ),
  key(
    'on_premises_config_file',
    'path',
    '/etc/codedeploy-agent/conf/codedeploy.onpremises.yml',
    'who this host is, if it is not on EC2',
  ),
  key(
    'proxy_uri',
    'url',
    null,
    'proxy for everything but instance metadata; may hold user and password. It must allow CONNECT to the port of each address, of http:// ones, too (Squid by default only to 443)',
  ),
  key('use_fips_mode', 'boolean', false, 'FIPS endpoints; only in the regions that have them'),
  key('use_dual_stack', 'boolean', false, 'S3 endpoints that have IPv6 as well; only in the regions that have them'),
  key(
    'source_credentials_file',
    'path',
    null,
    'lines https://USER:PASSWORD@HOST, as git’s credential store has them, for bundles from HTTPS and git',
  ),
  key('git_ssh_key_file', 'path', null, 'private key for git over ssh; else what ssh itself would use'),
  key('git_known_hosts_file', 'path', null, 'keys of the servers for git over ssh; else what ssh itself would use'),
  key(
    'git_max_memory',
    'bytes',
    2 ** 30,
    'most memory of each process of git, such as 500MB or 2GiB; a repository that needs more is refused',
  ),
  key(
    'enable_auth_policy',
    'boolean',
    false,
    'the secure variant of the host command API; needed behind VPC endpoints',
  ),
  key('deploy_control_endpoint', 'url', null, 'control endpoint; else the one of AWS in the host’s region'),
  key('s3_endpoint_override', 'url', null, 'S3-compatible store to fetch bundles from; else AWS'),
  key('enable_deployments_log', 'boolean', true, 'keep the output of all scripts in one more log below root_dir'),
  key(
    'ongoing_deployment_tracking',
    'name',
    'ongoing-deployment',
    'folder below root_dir that shows which deployments run',
  ),
  key(
    'disable_imds_v1',
    'boolean',
    true,
    'ask instance metadata by version 2 only; false allows version 1 where 2 fails',
  ),
  key('archive_max_extraction_size', 'bytes', 10 * 2 ** 30, 'most that a bundle may unpack to, such as 500MB or 10GiB'),
  key(
    'reject_symlinks_in_bundle',
    ['false', 'escaping', 'true'],
    'false',
    'refuse bundles with links: true any, also hard links; escaping those that lead out of the bundle, absolute ones among them. A link is never followed, whatever this says',
  ),
  key(
    'reject_unsafe_permissions_in_bundle',
    'boolean',
    false,
    'refuse AppSpec modes with setuid or setgid; in bundles these bits are always dropped',
  ),
  key(
    'reject_unconfined_selinux_in_bundle',
    'boolean',
    true,
    'refuse AppSpec contexts that take SELinux’s confinement away',
  ),
  key(
    'ignore_ownership_in_bundle',
    'boolean',
    true,
    'unpacked files belong to the agent’s user, not to whom the archive names',
  ),
  key(
    'restrict_hook_env_to_allowlist',
    'boolean',
    false,
    'hand down only PATH, HOME and USER to scripts, beside the deployment’s variables',
  ),
  key(
    'hook_profile',
    'path',
    null,
    'shell file whose variables scripts get, as from the official agent’s service; else /etc/profile where the agent is a service; /dev/null: none',
  ),
  key(
    'hook_environment',
    'variables',
    null,
    'list of variables of the agent’s environment that scripts and update_command get as they are, such as AWS_PROFILE or HTTPS_PROXY with its password; else they get no credentials, and addresses without user and password',
  ),
  key('strip_loader_env_in_hooks', 'boolean', true, 'keep LD_PRELOAD and its like away from scripts'),
  key(
    'hook_output_grace_seconds',
    'seconds',
    5,
    'how long the output of a script may stay open after the script’s exit, held by what it started',
  ),
  key(
    'hook_output_policy',
    ['detach', 'fail'],
    'detach',
    'and then: detach lets the event succeed and keeps that output in a file of its own, fail fails it with code 6',
  ),
  key(
    'hook_scopes',
    ['auto', 'on', 'off'],
    'auto',
    'run each script in a scope of systemd, outside the agent’s control group; auto: where the agent is a service',
  ),
  key(
    'journal_fields',
    ['auto', 'off'],
    'auto',
    'where the log goes to the journal of systemd: give records of deployments fields to look for (SLIPWAY_DEPLOYMENT_ID, …), or none',
  ),
  key(
    'events_file',
    'path',
    null,
    'one JSON text a line for each thing that happens: starts, outages, commands; rotated at 64 MiB',
  ),
  key(
    'metrics_listen',
    'text',
    null,
    'loopback address with port, or socket path, for /metrics (Prometheus) and /healthz',
  ),
  key(
    'otlp_endpoint',
    'url',
    null,
    'OpenTelemetry collector (OTLP over HTTP, such as http://127.0.0.1:4318) that gets a span for each lifecycle event',
  ),
  key(
    'update_command',
    'text',
    null,
    'shell command to run when the service wants the agent updated; else that is refused. The agent waits for it before it stops: restart with `systemctl restart --no-block`',
  ),
  key(
    'application_stop',
    ['fail', 'warn', 'use-new'],
    'fail',
    'when scripts of the last revision fail: fail the event, go on with a warning, or go on and let the new revision stop the application',
  ),
  key(
    'protect_paths',
    'paths',
    null,
    'list of paths that Install neither overwrites nor removes, with all below them; `*` stops at a slash, `**` does not',
  ),
  key(
    'bundle_signature_policy',
    SIGNATURE_POLICIES,
    'off',
    'whether bundles must be signed: off does not look, warn logs what is wrong, enforce refuses to unpack; docs/signatures.md',
  ),
  key(
    'bundle_signers_file',
    'path',
    null,
    'whose signatures count: lines of OpenSSH’s allowed_signers, and public keys of minisign',
  ),
  key(
    'deployment_groups',
    'groups',
    null,
    'what differs for some groups: a map from a deployment group’s id, or APPLICATION/GROUP, to bundle_signature_policy and bundle_signers_file',
  ),
  key('bundle_max_size', 'bytes', 10 * 2 ** 30, 'largest bundle that is downloaded, such as 500MB or 10GiB'),
  key(
    'download_min_rate',
    'bytes',
    1024,
    'bytes a second, as a mean over download_min_rate_seconds; a source that is slower twice fails the download. Of git counts what arrives on disk',
  ),
  key('download_min_rate_seconds', 'seconds', 120, 'see download_min_rate; 0: any rate is good'),
  key(
    'download_max_seconds',
    'seconds',
    3300,
    'how long bringing a bundle may take in all; a server gives the event an hour. 0: as long as it takes',
  ),
  key('archive_max_entries', 'count', 1_000_000, 'most entries that a bundle may hold'),
  key(
    'ca_file',
    'path',
    null,
    'certificates, PEM, of authorities that are trusted beside the system’s, for every https address: control endpoint, S3, other sources',
  ),
  key(
    'deployment_spec_ca_file',
    'path',
    null,
    'certificate that must have issued the signer of deployment specifications',
  ),
  key(
    'demand_signed_orders',
    'boolean',
    false,
    'refuse every command whose specification was not signed for it: for this host, this command and this moment. `slipway register` sets it; AWS signs no orders',
  ),
  key('allow_insecure_endpoint', 'boolean', false, 'allow http:// control endpoints that are not on this machine'),
  key('github_endpoint', 'url', 'https://api.github.com', 'API of GitHub, or of a GitHub Enterprise server'),
] as const satisfies readonly ConfigKey[];

/** Keys of the official agents that have nothing to do here; each is named in the log once, and no more. */
const WITHOUT_EFFECT: readonly string[] = [
  'wait_after_error',
  'children',
  'wait_between_spawning_children',
  'max_runs_per_worker',
  'wait_after_throttle_error',
  'wait_after_connection_problem',
  'plugins',
  'shared_dir',
  'instance_service_region',
  'instance_service_endpoint',
  'instance_service_port',
  'codedeploy_test_profile',
  'use_mock_command_service',
  'config_file',
  'ssl_verify_peer',
];

/** Keys whose purpose is met in another way, or always: what an operator who set one wants to know instead. */
const MET_OTHERWISE: Readonly<Record<string, string>> = {
  user: 'agent and scripts run as whoever starts the agent; set User= in its unit',
  group: 'agent and scripts run in the group of whoever starts the agent; set Group= in its unit',
  enable_command_port: 'no TCP port is opened',
  reject_path_traversal_in_bundle: 'paths that lead out are always refused',
  reject_symlink_permission_targets: 'permissions are never set through links',
  disable_powershell_profile_in_hooks: 'there is no PowerShell here',
};

const MAX_STOP_WAIT_SECONDS = 86_400;
/** What a timer of Node holds, 24 days; a longer one would fire at once. */
const MAX_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

/** The configuration with every default filled in. */
export interface AgentConfig {
  /** Absolute; null: the usual file, which no command has to be told of. */
  readonly configFile: string | null;
  readonly programName: string;
  readonly rootDir: string;
  readonly logDir: string;
  readonly restrictLogDir: boolean;
  readonly restrictAgentDirs: boolean;
  readonly pidDir: string;
  readonly verbose: boolean;
  readonly logAwsWire: boolean;
  readonly disableCoreDumps: boolean;
  readonly waitBetweenRunsSeconds: number;
  readonly waitBetweenRunsActiveSeconds: number | null;
  readonly httpReadTimeoutSeconds: number;
  readonly maxStopWaitSeconds: number;
  readonly maxRevisions: number;
  readonly maxRevisionsBytes: number | null;
  readonly enableArchiveReuse: boolean;
  readonly onPremisesConfigFile: string;
  readonly proxyUri: string | null;
  readonly useFipsMode: boolean;
  readonly useDualStack: boolean;
  readonly sourceCredentialsFile: string | null;
  readonly gitSshKeyFile: string | null;
  readonly gitKnownHostsFile: string | null;
  readonly gitMaxMemoryBytes: number;
  readonly enableAuthPolicy: boolean;
  readonly deployControlEndpoint: string | null;
  readonly s3EndpointOverride: string | null;
  readonly enableDeploymentsLog: boolean;
  readonly ongoingDeploymentTracking: string;
  readonly disableImdsV1: boolean;
  readonly archiveMaxExtractionBytes: number;
  readonly archiveMaxEntries: number;
  readonly bundleMaxBytes: number;
  readonly downloadMinRate: number;
  /** 0: any rate is good. */
  readonly downloadMinRateSeconds: number;
  /** 0: as long as it takes. */
  readonly downloadMaxSeconds: number;
  readonly rejectSymlinks: boolean | 'escaping';
  /** Globs of absolute paths. */
  readonly protectPaths: readonly string[];
  readonly rejectUnsafePermissions: boolean;
  readonly rejectUnconfinedSelinux: boolean;
  readonly ignoreOwnership: boolean;
  readonly restrictHookEnvironment: boolean;
  /** null: the usual one, where the agent is a service. */
  readonly hookProfile: string | null;
  readonly stripLoaderVariables: boolean;
  /** Names of variables that scripts get although they may hold secrets. */
  readonly hookEnvironment: readonly string[];
  readonly hookOutputGraceSeconds: number;
  readonly hookOutputPolicy: 'detach' | 'fail';
  readonly journalFields: 'auto' | 'off';
  readonly eventsFile: string | null;
  readonly metricsListen: string | null;
  readonly otlpEndpoint: string | null;
  readonly updateCommand: string | null;
  readonly applicationStop: 'fail' | 'warn' | 'use-new';
  readonly hookScopes: 'auto' | 'on' | 'off';
  readonly bundleSignatures: SignatureRules;
  /** What differs for some deployment groups. */
  readonly deploymentGroups: readonly GroupSettings[];
  readonly caFile: string | null;
  readonly deploymentSpecCaFile: string | null;
  readonly demandSignedOrders: boolean;
  readonly allowInsecureEndpoint: boolean;
  readonly gitHubEndpoint: string;
}

export interface LoadedConfig {
  readonly config: AgentConfig;
  /** null: there is no file, and everything is as by default. */
  readonly file: string | null;
  /** For the log, once. */
  readonly warnings: readonly string[];
}

/**
 * Reads the agent's configuration.
 *
 * @param path null: the usual file, and the defaults if it is not there; a file that was asked for must be there
 * @throws SlipwayError CONFIG_MISSING, CONFIG_UNREADABLE, or CONFIG_INVALID naming file, line, key, value and what was expected, of
 * all that is wrong
 */
export function loadAgentConfig(path: string | null): LoadedConfig {
  const file = path ?? DEFAULT_CONFIG_FILE;
  if (!existsSync(file)) {
    if (path !== null) throw new SlipwayError('CONFIG_MISSING', `the configuration file ${file} does not exist`);
    return { config: toConfig(new Map()), file: null, warnings: [] };
  }
  const values = new Map<string, KeyValue>();
  const warnings: string[] = [];
  const wrong: string[] = [];
  for (const setting of readSettings(file)) {
    const known: ConfigKey | undefined = AGENT_CONFIG_KEYS.find((candidate) => candidate.key === setting.name);
    if (known === undefined) {
      const instead = Object.hasOwn(MET_OTHERWISE, setting.name) ? `: ${MET_OTHERWISE[setting.name]}` : '';
      const isOfficial = instead !== '' || WITHOUT_EFFECT.includes(setting.name);
      const kind = isOfficial ? 'has no effect in this agent' : 'is not known';
      warnings.push(`${file}:${setting.line}: the key '${setting.name}' ${kind} and is ignored${instead}`);
      continue;
    }
    const read = readValue(known.type, setting.value);
    if (!read.ok) {
      wrong.push(
        `${file}:${setting.line}: ${setting.name} must be ${read.expected}, but is ${JSON.stringify(setting.value)}`,
      );
      continue;
    }
    const most = known.key === 'kill_agent_max_wait_time_seconds' ? MAX_STOP_WAIT_SECONDS : MAX_SECONDS;
    const isTooLong = known.type === 'seconds' && Number(read.value) > most;
    if (isTooLong) warnings.push(`${file}: ${known.key} is ${read.value}; ${most} is used`);
    values.set(known.key, isTooLong ? most : read.value);
  }
  if (wrong.length > 0) throw new SlipwayError('CONFIG_INVALID', wrong.join('; '));
  const config = { ...toConfig(values), configFile: file === DEFAULT_CONFIG_FILE ? null : resolve(file) };
  requireSigners(config, file);
  requirePinnedAuthority(config, file);
  return { config, file, warnings };
}

/** Signatures that nobody could give are a slip that would stop every deployment; better the start. */
function requireSigners({ bundleSignatures, deploymentGroups }: AgentConfig, file: string): void {
  for (const { group, ...own } of [{ group: null, ...bundleSignatures }, ...deploymentGroups]) {
    const { policy, signersFile } = withGroupSettings(bundleSignatures, own);
    if (policy === 'off' || signersFile !== null) continue;
    const where = group === null ? '' : ` of the group ${group}`;
    throw new SlipwayError(
      'CONFIG_INVALID',
      `${file}: bundle_signature_policy${where} is ${policy}, but no bundle_signers_file says whose signatures count`,
    );
  }
}

/** Without a pinned authority anybody can sign an order, and demanding one would only look like protection. */
function requirePinnedAuthority({ demandSignedOrders, deploymentSpecCaFile }: AgentConfig, file: string): void {
  if (!demandSignedOrders || deploymentSpecCaFile !== null) return;
  throw new SlipwayError(
    'CONFIG_INVALID',
    `${file}: demand_signed_orders is true, but no deployment_spec_ca_file says whose signatures count`,
  );
}

type KeyName = (typeof AGENT_CONFIG_KEYS)[number]['key'];

function toConfig(values: ReadonlyMap<string, KeyValue>): AgentConfig {
  const get = (name: KeyName): KeyValue => {
    const known = AGENT_CONFIG_KEYS.find((candidate) => candidate.key === name);
    return values.get(name) ?? known?.default ?? null;
  };
  const text = (name: KeyName) => String(get(name));
  const optional = (name: KeyName) => (get(name) === null ? null : text(name));
  const flag = (name: KeyName) => get(name) === true;
  const list = (name: KeyName) => {
    const value = get(name);
    return Array.isArray(value) ? (value as readonly string[]) : [];
  };
  const number = (name: KeyName) => Number(get(name));
  return {
    configFile: null,
    programName: text('program_name'),
    rootDir: text('root_dir'),
    logDir: text('log_dir'),
    restrictLogDir: flag('restrict_log_dir_permissions'),
    restrictAgentDirs: flag('restrict_agent_dir_permissions'),
    pidDir: text('pid_dir'),
    verbose: flag('verbose'),
    logAwsWire: flag('log_aws_wire'),
    disableCoreDumps: flag('disable_core_dumps'),
    waitBetweenRunsSeconds: number('wait_between_runs'),
    waitBetweenRunsActiveSeconds: get('wait_between_runs_active') === null ? null : number('wait_between_runs_active'),
    httpReadTimeoutSeconds: number('http_read_timeout'),
    maxStopWaitSeconds: number('kill_agent_max_wait_time_seconds'),
    maxRevisions: number('max_revisions'),
    maxRevisionsBytes: get('max_revisions_bytes') === null ? null : number('max_revisions_bytes'),
    enableArchiveReuse: flag('enable_archive_reuse'),
    onPremisesConfigFile: text('on_premises_config_file'),
    proxyUri: optional('proxy_uri'),
    useFipsMode: flag('use_fips_mode'),
    useDualStack: flag('use_dual_stack'),
    sourceCredentialsFile: optional('source_credentials_file'),
    gitSshKeyFile: optional('git_ssh_key_file'),
    gitKnownHostsFile: optional('git_known_hosts_file'),
    gitMaxMemoryBytes: number('git_max_memory'),
    enableAuthPolicy: flag('enable_auth_policy'),
    deployControlEndpoint: optional('deploy_control_endpoint'),
    s3EndpointOverride: optional('s3_endpoint_override'),
    enableDeploymentsLog: flag('enable_deployments_log'),
    ongoingDeploymentTracking: text('ongoing_deployment_tracking'),
    disableImdsV1: flag('disable_imds_v1'),
    archiveMaxExtractionBytes: number('archive_max_extraction_size'),
    archiveMaxEntries: number('archive_max_entries'),
    bundleMaxBytes: number('bundle_max_size'),
    downloadMinRate: number('download_min_rate'),
    downloadMinRateSeconds: number('download_min_rate_seconds'),
    downloadMaxSeconds: number('download_max_seconds'),
    rejectSymlinks: rejectedLinks(text('reject_symlinks_in_bundle')),
    protectPaths: list('protect_paths'),
    rejectUnsafePermissions: flag('reject_unsafe_permissions_in_bundle'),
    rejectUnconfinedSelinux: flag('reject_unconfined_selinux_in_bundle'),
    ignoreOwnership: flag('ignore_ownership_in_bundle'),
    restrictHookEnvironment: flag('restrict_hook_env_to_allowlist'),
    hookProfile: optional('hook_profile'),
    stripLoaderVariables: flag('strip_loader_env_in_hooks'),
    hookEnvironment: list('hook_environment'),
    hookOutputGraceSeconds: number('hook_output_grace_seconds'),
    journalFields: text('journal_fields') as AgentConfig['journalFields'],
    eventsFile: optional('events_file'),
    metricsListen: optional('metrics_listen'),
    otlpEndpoint: optional('otlp_endpoint'),
    updateCommand: optional('update_command'),
    applicationStop: text('application_stop') as AgentConfig['applicationStop'],
    hookOutputPolicy: text('hook_output_policy') as AgentConfig['hookOutputPolicy'],
    hookScopes: text('hook_scopes') as AgentConfig['hookScopes'],
    bundleSignatures: {
      policy: text('bundle_signature_policy') as SignatureRules['policy'],
      signersFile: optional('bundle_signers_file'),
    },
    deploymentGroups: (get('deployment_groups') ?? []) as readonly GroupSettings[],
    caFile: optional('ca_file'),
    deploymentSpecCaFile: optional('deployment_spec_ca_file'),
    demandSignedOrders: flag('demand_signed_orders'),
    allowInsecureEndpoint: flag('allow_insecure_endpoint'),
    gitHubEndpoint: text('github_endpoint'),
  };
}

function rejectedLinks(word: string): AgentConfig['rejectSymlinks'] {
  return word === 'escaping' ? word : word === 'true';
}

function key<const Name extends string>(name: Name, type: KeyType, fallback: KeyValue, meaning: string) {
  return { key: name, type, default: fallback, meaning };
}
