/** The environment of a hook script. Pure. */
import type { Revision } from '../protocol/specification.ts';

/** What a script is told about the deployment. */
export interface HookFacts {
  readonly event: string;
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly deploymentGroupId: string;
  readonly revision: Revision;
  /** As seen at the download, where the specification had none. */
  readonly downloadedETag: string | null;
  /** Marks every process of this hook, so that those that leave its process group can be found. */
  readonly marker: string;
}

export interface EnvironmentRules {
  /** Hand down only PATH, HOME and USER of the agent's own environment. */
  readonly restrictToAllowlist: boolean;
  /** Keep LD_PRELOAD and its like away from scripts. */
  readonly stripLoaderVariables: boolean;
}

/** The variable that carries the marker. */
export const MARKER_VARIABLE = 'SLIPWAY_HOST_COMMAND';

/** Secrets of the agent that are no business of a script. The first five are the SDK's, the last three the official agents'. */
const SECRETS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_FILE',
  'AWS_ACCESS_KEY',
  'AWS_SECRET_KEY',
  'CODEDEPLOY_GITHUB_TOKEN',
];
/** What belongs to the service manager's talk with the agent itself. */
const SERVICE_VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'INVOCATION_ID',
  'JOURNAL_STREAM',
  'SYSTEMD_EXEC_PID',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
];
const LOADER_VARIABLES = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT'];
const ALLOWED = ['PATH', 'HOME', 'USER'];

/** @see the AWS CodeDeploy user guide, "Environment variable availability for hooks" */
export function hookEnvironment(
  facts: HookFacts,
  base: Readonly<Record<string, string | undefined>>,
  rules: EnvironmentRules,
): Record<string, string> {
  return {
    ...inheritedEnvironment(base, rules),
    LIFECYCLE_EVENT: facts.event,
    DEPLOYMENT_ID: facts.deploymentId,
    APPLICATION_NAME: facts.applicationName,
    DEPLOYMENT_GROUP_NAME: facts.deploymentGroupName,
    DEPLOYMENT_GROUP_ID: facts.deploymentGroupId,
    ...bundleVariables(facts),
    [MARKER_VARIABLE]: facts.marker,
  };
}

/** What of the agent's own environment the commands that it starts inherit. */
export function inheritedEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  rules: EnvironmentRules,
): Record<string, string> {
  const dropped = new Set([...SECRETS, ...SERVICE_VARIABLES, ...(rules.stripLoaderVariables ? LOADER_VARIABLES : [])]);
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || dropped.has(name)) continue;
    if (rules.restrictToAllowlist && !ALLOWED.includes(name)) continue;
    environment[name] = value;
  }
  return environment;
}

function bundleVariables({ revision, downloadedETag }: HookFacts): Record<string, string> {
  switch (revision.revisionType) {
    case 'S3': {
      const eTag = revision.eTag ?? downloadedETag;
      return {
        BUNDLE_BUCKET: revision.bucket,
        BUNDLE_KEY: revision.key,
        ...(revision.version === null ? {} : { BUNDLE_VERSION: revision.version }),
        ...(eTag === null ? {} : { BUNDLE_ETAG: eTag }),
      };
    }
    case 'GitHub':
    case 'Git':
      return { BUNDLE_COMMIT: revision.commitId };
    case 'HTTPS':
      return { BUNDLE_URL: revision.url, BUNDLE_SHA256: revision.sha256 };
    case 'Local File':
    case 'Local Directory':
      return {};
  }
}
