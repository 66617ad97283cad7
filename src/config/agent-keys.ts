/** The keys of the agent's configuration file. The configuration's type, its reader and docs/config.md follow from this one table. */
import { type GroupSettings, SIGNATURE_POLICIES } from './group-settings.ts';
import type { KeyType, KeyValue } from './keys.ts';

/** One key of the file: what it is called, what it may hold, what it is when the file does not say, what it does. */
export interface ConfigKey {
  readonly key: string;
  readonly type: KeyType;
  readonly default: KeyValue;
  readonly meaning: string;
}

/** Keys of the official agents 1.8.1 and 2.x that this agent heeds, then its own keys; by their names in the program. */
export const AGENT_KEYS = {
  programName: key('program_name', 'name', 'codedeploy-agent', 'base name of the log and PID files'),
  rootDir: key(
    'root_dir',
    'path',
    '/opt/codedeploy-agent/deployment-root',
    'where revisions and everything about deployments are kept',
  ),
  logDir: key('log_dir', 'path', '/var/log/aws/codedeploy-agent', 'where the agent’s own log is'),
  restrictLogDir: key(
    'restrict_log_dir_permissions',
    'boolean',
    false,
    'the agent’s log for its user and group only: 0750 and 0640',
  ),
  restrictAgentDirs: key(
    'restrict_agent_dir_permissions',
    'boolean',
    false,
    'keep other users out of root_dir: folders 0711 and 0700, logs 0750 and 0640, files 0600; scripts with runas still run',
  ),
  pidDir: key('pid_dir', 'path', '/opt/codedeploy-agent/state/.pid', 'where the PID file and the lock are'),
  verbose: key('verbose', 'boolean', false, 'log at debug level'),
  logAwsWire: key(
    'log_aws_wire',
    'boolean',
    false,
    'keep requests to the control endpoint and S3 with their answers in <program_name>.aws_wire.log beside the log; 16 files of 64 MiB',
  ),
  disableCoreDumps: key(
    'disable_core_dumps',
    'boolean',
    true,
    'no core dumps of the agent, nor of scripts that do not ask for them',
  ),
  waitBetweenRunsSeconds: key(
    'wait_between_runs',
    'seconds',
    30,
    'pause after a poll that brought nothing; with a server that holds polls, 1 is right',
  ),
  waitBetweenRunsActiveSeconds: key(
    'wait_between_runs_active',
    'seconds',
    null,
    'the same pause while commands run; else wait_between_runs',
  ),
  httpReadTimeoutSeconds: key(
    'http_read_timeout',
    'seconds',
    80,
    'how long to wait for an answer; longer than the server holds a poll',
  ),
  maxStopWaitSeconds: key(
    'kill_agent_max_wait_time_seconds',
    'seconds',
    7200,
    'how long a stop waits for running commands; at most 86400',
  ),
  maxRevisions: key('max_revisions', 'count', 5, 'revisions kept of each deployment group, the current one included'),
  maxRevisionsBytes: key(
    'max_revisions_bytes',
    'bytes',
    null,
    'most that the revisions of one deployment group may take on disk, such as 20GB; else only max_revisions counts',
  ),
  enableArchiveReuse: key(
    'enable_archive_reuse',
    'boolean',
    true,
    'take the files of an earlier deployment again where the server says so',
  ),
  onPremisesConfigFile: key(
    'on_premises_config_file',
    'path',
    '/etc/codedeploy-agent/conf/codedeploy.onpremises.yml',
    'who this host is, if it is not on EC2',
  ),
  proxyUri: key(
    'proxy_uri',
    'url',
    null,
    'proxy for everything but instance metadata; may hold user and password. It must allow CONNECT to the port of each address, of http:// ones, too (Squid by default only to 443)',
  ),
  useFipsMode: key('use_fips_mode', 'boolean', false, 'FIPS endpoints; only in the regions that have them'),
  useDualStack: key(
    'use_dual_stack',
    'boolean',
    false,
    'S3 endpoints that have IPv6 as well; only in the regions that have them',
  ),
  s3CredentialsFile: key(
    's3_credentials_file',
    'path',
    null,
    'credentials file as AWS tools have it, profile [default], to fetch bundles from S3 with; else the credentials of the host’s identity',
  ),
  sourceCredentialsFile: key(
    'source_credentials_file',
    'path',
    null,
    'lines https://USER:PASSWORD@HOST, as git’s credential store has them, for bundles from HTTPS and git',
  ),
  gitSshKeyFile: key('git_ssh_key_file', 'path', null, 'private key for git over ssh; else what ssh itself would use'),
  gitKnownHostsFile: key(
    'git_known_hosts_file',
    'path',
    null,
    'keys of the servers for git over ssh; else what ssh itself would use',
  ),
  gitMaxMemoryBytes: key(
    'git_max_memory',
    'bytes',
    2 ** 30,
    'most memory of each process of git, such as 500MB or 2GiB; a repository that needs more is refused',
  ),
  enableAuthPolicy: key(
    'enable_auth_policy',
    'boolean',
    false,
    'the secure variant of the host command API; needed behind VPC endpoints',
  ),
  deployControlEndpoint: key(
    'deploy_control_endpoint',
    'url',
    null,
    'control endpoint; else the one of AWS in the host’s region',
  ),
  s3EndpointOverride: key('s3_endpoint_override', 'url', null, 'S3-compatible store to fetch bundles from; else AWS'),
  enableDeploymentsLog: key(
    'enable_deployments_log',
    'boolean',
    true,
    'keep the output of all scripts in one more log below root_dir',
  ),
  ongoingDeploymentTracking: key(
    'ongoing_deployment_tracking',
    'name',
    'ongoing-deployment',
    'folder below root_dir that shows which deployments run',
  ),
  disableImdsV1: key(
    'disable_imds_v1',
    'boolean',
    true,
    'ask instance metadata by version 2 only; false allows version 1 where 2 fails',
  ),
  archiveMaxExtractionBytes: key(
    'archive_max_extraction_size',
    'bytes',
    10 * 2 ** 30,
    'most that a bundle may unpack to, such as 500MB or 10GiB',
  ),
  rejectSymlinksInBundle: key(
    'reject_symlinks_in_bundle',
    ['false', 'escaping', 'true'],
    'false',
    'refuse bundles with links: true any, also hard links; escaping those that lead out of the bundle, absolute ones among them. A link is never followed, whatever this says',
  ),
  rejectUnsafePermissions: key(
    'reject_unsafe_permissions_in_bundle',
    'boolean',
    false,
    'refuse AppSpec modes with setuid or setgid; in bundles these bits are always dropped',
  ),
  rejectUnconfinedSelinux: key(
    'reject_unconfined_selinux_in_bundle',
    'boolean',
    true,
    'refuse AppSpec contexts that take SELinux’s confinement away',
  ),
  ignoreOwnership: key(
    'ignore_ownership_in_bundle',
    'boolean',
    true,
    'unpacked files belong to the agent’s user, not to whom the archive names',
  ),
  restrictHookEnvironment: key(
    'restrict_hook_env_to_allowlist',
    'boolean',
    false,
    'hand down only PATH, HOME and USER to scripts, beside the deployment’s variables',
  ),
  hookProfile: key(
    'hook_profile',
    'path',
    null,
    'shell file whose variables scripts get, as from the official agent’s service; else /etc/profile where the agent is a service; /dev/null: none',
  ),
  hookEnvironment: key(
    'hook_environment',
    'variables',
    [],
    'list of variables of the agent’s environment that scripts and update_command get as they are, such as AWS_PROFILE or HTTPS_PROXY with its password; else they get no credentials, and addresses without user and password',
  ),
  stripLoaderVariables: key(
    'strip_loader_env_in_hooks',
    'boolean',
    true,
    'keep LD_PRELOAD and its like away from scripts',
  ),
  hookOutputGraceSeconds: key(
    'hook_output_grace_seconds',
    'seconds',
    5,
    'how long the output of a script may stay open after the script’s exit, held by what it started',
  ),
  hookOutputPolicy: key(
    'hook_output_policy',
    ['detach', 'fail'],
    'detach',
    'and then: detach lets the event succeed and keeps that output in a file of its own, fail fails it with code 6',
  ),
  liveLogs: key(
    'live_logs',
    'boolean',
    true,
    'send what scripts write to a Slipway server while they run, where the server asks for it: the same lines as in their log file',
  ),
  hookScopes: key(
    'hook_scopes',
    ['auto', 'on', 'off'],
    'auto',
    'run each script in a scope of systemd, outside the agent’s control group; auto: where the agent is a service',
  ),
  journalFields: key(
    'journal_fields',
    ['auto', 'off'],
    'auto',
    'where the log goes to the journal of systemd: give records of deployments fields to look for (SLIPWAY_DEPLOYMENT_ID, …), or none',
  ),
  eventsFile: key(
    'events_file',
    'path',
    null,
    'one JSON text a line for each thing that happens: starts, outages, commands; rotated at 64 MiB',
  ),
  metricsListen: key(
    'metrics_listen',
    'text',
    null,
    'loopback address with port, or socket path, for /metrics (Prometheus) and /healthz',
  ),
  otlpEndpoint: key(
    'otlp_endpoint',
    'url',
    null,
    'OpenTelemetry collector (OTLP over HTTP, such as http://127.0.0.1:4318) that gets a span for each lifecycle event',
  ),
  updateCommand: key(
    'update_command',
    'text',
    null,
    'shell command to run when the service wants the agent updated; else that is refused. The agent waits for it before it stops: restart with `systemctl restart --no-block`',
  ),
  applicationStop: key(
    'application_stop',
    ['fail', 'warn', 'use-new'],
    'fail',
    'when scripts of the last revision fail: fail the event, go on with a warning, or go on and let the new revision stop the application',
  ),
  protectPaths: key(
    'protect_paths',
    'paths',
    [],
    'list of paths that Install neither overwrites nor removes, with all below them; `*` stops at a slash, `**` does not',
  ),
  bundleSignaturePolicy: key(
    'bundle_signature_policy',
    SIGNATURE_POLICIES,
    'off',
    'whether bundles must be signed: off does not look, warn logs what is wrong, enforce refuses to unpack; docs/signatures.md',
  ),
  bundleSignersFile: key(
    'bundle_signers_file',
    'path',
    null,
    'whose signatures count: lines of OpenSSH’s allowed_signers, and public keys of minisign',
  ),
  deploymentGroups: key(
    'deployment_groups',
    'groups',
    [],
    'what differs for some groups: a map from a deployment group’s id, or APPLICATION/GROUP, to bundle_signature_policy and bundle_signers_file',
  ),
  bundleMaxBytes: key(
    'bundle_max_size',
    'bytes',
    10 * 2 ** 30,
    'largest bundle that is downloaded, such as 500MB or 10GiB',
  ),
  downloadMinRate: key(
    'download_min_rate',
    'bytes',
    1024,
    'bytes a second, as a mean over download_min_rate_seconds; a source that is slower twice fails the download. Of git counts what arrives on disk',
  ),
  downloadMinRateSeconds: key(
    'download_min_rate_seconds',
    'seconds',
    120,
    'see download_min_rate; 0: any rate is good',
  ),
  downloadMaxSeconds: key(
    'download_max_seconds',
    'seconds',
    3300,
    'how long bringing a bundle may take in all; a server gives the event an hour. 0: as long as it takes',
  ),
  archiveMaxEntries: key('archive_max_entries', 'count', 1_000_000, 'most entries that a bundle may hold'),
  caFile: key(
    'ca_file',
    'path',
    null,
    'certificates, PEM, of authorities that are trusted beside the system’s, for every https address: control endpoint, S3, other sources',
  ),
  deploymentSpecCaFile: key(
    'deployment_spec_ca_file',
    'path',
    null,
    'certificate that must have issued the signer of deployment specifications',
  ),
  demandSignedOrders: key(
    'demand_signed_orders',
    'boolean',
    false,
    'refuse every command whose specification was not signed for it: for this host, this command and this moment. `slipway register` sets it; AWS signs no orders',
  ),
  allowInsecureEndpoint: key(
    'allow_insecure_endpoint',
    'boolean',
    false,
    'allow http:// control endpoints that are not on this machine',
  ),
  gitHubEndpoint: key(
    'github_endpoint',
    'url',
    'https://api.github.com',
    'API of GitHub, or of a GitHub Enterprise server',
  ),
} as const satisfies Readonly<Record<string, ConfigKey>>;

export const AGENT_CONFIG_KEYS: readonly ConfigKey[] = Object.values(AGENT_KEYS);

/** Type of a key's value once it is read. */
type ValueOf<Type extends KeyType> = Type extends 'boolean'
  ? boolean
  : Type extends 'seconds' | 'count' | 'bytes'
    ? number
    : Type extends 'paths' | 'variables'
      ? readonly string[]
      : Type extends 'groups'
        ? readonly GroupSettings[]
        : Type extends readonly (infer Word)[]
          ? Word
          : string;

/** Every key's value; null only where the default is null. */
export type KeyValues = {
  readonly [Field in keyof typeof AGENT_KEYS]:
    | ValueOf<(typeof AGENT_KEYS)[Field]['type']>
    | Extract<(typeof AGENT_KEYS)[Field]['default'], null>;
};

/** @param given by the names in the file; what is not among them has its default */
export function withDefaults(given: ReadonlyMap<string, KeyValue>): KeyValues {
  const entries = Object.entries(AGENT_KEYS).map(([field, { key, default: fallback }]) => [
    field,
    given.get(key) ?? fallback,
  ]);
  // `readValue` has read each value by its key's type, of which its type here follows.
  return Object.fromEntries(entries) as KeyValues;
}

function key<const Type extends KeyType, const Default extends KeyValue>(
  name: string,
  type: Type,
  fallback: Default,
  meaning: string,
) {
  return { key: name, type, default: fallback, meaning };
}
