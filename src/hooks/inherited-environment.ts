/**
 * Environment that the agent's child programs inherit from it. Pure.
 *
 * The agent hides every source from which the AWS SDK takes credentials, and Slipway's own variables. It also hides those that the service
 * manager sets for the agent alone, and users and passwords in addresses. It hides an unknown variable `AWS_…`, so that a new version of
 * the SDK cannot open a new way.
 */
import { withoutUserInfo } from '../system/user-info.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentRules {
  /** Hand down only PATH, HOME and USER of the agent's own environment. */
  readonly restrictToAllowlist: boolean;
  /** Keep LD_PRELOAD and its like away from scripts. */
  readonly stripLoaderVariables: boolean;
  /** Names that the operator hands down as they are, whatever the other rules say. */
  readonly handedDown: readonly string[];
}

/** Settings of the SDKs and of the AWS command line that name no credentials, nor a place where any are. */
const AWS_SETTINGS: ReadonlySet<string> = new Set([
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_HOST_IDENTIFIER',
  'AWS_CA_BUNDLE',
  'AWS_SSL_CA_BUNDLE',
  'AWS_SSL_CA_DIRECTORY',
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_CLI_AUTO_PROMPT',
  'AWS_DEFAULTS_MODE',
  'AWS_DEFAULT_OUTPUT',
  'AWS_DISABLE_CLOCK_SKEW_CORRECTION',
  'AWS_DISABLE_REQUEST_COMPRESSION',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_V1_DISABLED',
  'AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026',
  'AWS_EXECUTION_ENV',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_MAX_ATTEMPTS',
  'AWS_PAGER',
  'AWS_REQUEST_CHECKSUM_CALCULATION',
  'AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES',
  'AWS_RESPONSE_CHECKSUM_VALIDATION',
  'AWS_RETRY_MODE',
  'AWS_S3_DISABLE_EXPRESS_SESSION_AUTH',
  'AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS',
  'AWS_S3_USE_ARN_REGION',
  'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
  'AWS_SDK_UA_APP_ID',
  'AWS_SIGV4A_SIGNING_REGION_SET',
  'AWS_STS_REGIONAL_ENDPOINTS',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_USE_FIPS_ENDPOINT',
]);
/** Where a service of AWS is asked; its name may end with the service's. */
const AWS_ENDPOINT = /^AWS_ENDPOINT_URL(_|$)/;

/** Secrets, and ways to secrets, beside those of AWS. The agent's own git uses what SSH_AUTH_SOCK leads to. */
const SECRET = /^(CODEDEPLOY_GITHUB_TOKEN|SSH_AUTH_SOCK|(ENCRYPTED_)?CREDENTIALS_DIRECTORY|SLIPWAY_\w*)$/;
const OTEL_SECRET = /^OTEL_\w*(HEADERS|CLIENT_KEY|CLIENT_CERTIFICATE)$/;

/** Variables with which the service manager and the agent talk, and folders made for the agent. */
const SERVICE_VARIABLE =
  /^(NOTIFY_SOCKET|INVOCATION_ID|JOURNAL_STREAM|MAINPID|MANAGERPID|MANAGERPIDFDID|PIDFILE|REMOTE_ADDR|REMOTE_PORT|FDSTORE|SERVICE_RESULT|EXIT_CODE|EXIT_STATUS|LOG_NAMESPACE|(RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIRECTORY|(LISTEN|WATCHDOG|SYSTEMD|MONITOR|TRIGGER|MEMORY_PRESSURE)_\w*)$/;
/** Variables meant for this Node process; another Node would obey them, too. */
const NODE_VARIABLE = /^NODE_(OPTIONS|V8_COVERAGE|UNIQUE_ID|DEBUG|DEBUG_NATIVE|REDIRECT_WARNINGS|CHANNEL_\w*)$/;
/**
 * Variables that make the system's loader take code from elsewhere, or write files. The list names each one, because applications have
 * `LD_…` variables of their own.
 *
 * @see ld.so(8), iconv_open(3)
 */
const LOADER_VARIABLE =
  /^(LD_(PRELOAD|LIBRARY_PATH|AUDIT|ORIGIN_PATH|DEBUG|DEBUG_OUTPUT|PROFILE|PROFILE_OUTPUT|DYNAMIC_WEAK)|GCONV_PATH|GLIBC_TUNABLES)$/;
const ALLOWED = ['PATH', 'HOME', 'USER'];

/** Whether a variable holds a secret of the agent's, or says where one is. */
export function isSecretVariable(name: string): boolean {
  if (name.startsWith('AWS_')) return !AWS_SETTINGS.has(name) && !AWS_ENDPOINT.test(name);
  return SECRET.test(name) || OTEL_SECRET.test(name);
}

/** Returns the part of the agent's environment that scripts and the update command inherit. */
export function inheritedEnvironment(base: Environment, rules: EnvironmentRules): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined) continue;
    if (rules.handedDown.includes(name)) environment[name] = value;
    else if (!isHidden(name, rules)) environment[name] = withoutPassword(name, value);
  }
  return environment;
}

/** For the agent's own processes that need no secrets from there: they get addresses of proxies as they are. */
export function withoutSecretVariables(base: Environment): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(base).filter(([name]) => !isSecretVariable(name)));
}

/** A proxy may be named without its scheme, and a user without a password may be a token. */
function withoutPassword(name: string, value: string): string {
  // Lists of folders are no addresses, also where a folder's name has an @ and the first folder no slash.
  if (/path$/i.test(name) && !value.includes('://')) return value;
  const isBareProxy = /proxy$/i.test(name) && !value.includes('://');
  return isBareProxy ? value.slice(value.lastIndexOf('@') + 1) : withoutUserInfo(value);
}

function isHidden(name: string, { restrictToAllowlist, stripLoaderVariables }: EnvironmentRules): boolean {
  if (restrictToAllowlist) return !ALLOWED.includes(name);
  if (stripLoaderVariables && LOADER_VARIABLE.test(name)) return true;
  return isSecretVariable(name) || SERVICE_VARIABLE.test(name) || NODE_VARIABLE.test(name);
}
