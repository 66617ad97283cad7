import { join } from 'node:path';
import { secondWriter } from '../archive/second-writer.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { type AwsCredentials, readAwsCredentials } from '../config/aws-credentials.ts';
import { signatureRulesFor } from '../config/group-settings.ts';
import { SlipwayError } from '../errors.ts';
import { createHookScopes } from '../hooks/scope.ts';
import { systemAttributeTools } from '../install/attribute-tools.ts';
import { realInstallFs } from '../install/install-fs.ts';
import { secondThread } from '../install/second-thread.ts';
import type { Logger } from '../logging/logger.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import { renderExchange } from '../protocol/wire-log.ts';
import { DOWNLOAD_TUNING } from '../revision/download.ts';
import { createBundleFetcher } from '../revision/fetch-bundle.ts';
import { createSignatureFetcher } from '../revision/fetch-signature.ts';
import type { OnProgress } from '../revision/progress.ts';
import type { RevisionContext } from '../revision/types.ts';
import type { Clock } from '../system/clock.ts';
import { createTrust, readAuthorities } from '../system/trust.ts';
import { lookupGroup, lookupUser } from '../system/users.ts';
import { rememberingAppSpecParser } from './appspec-parser.ts';
import type { DeploymentContext } from './context.ts';
import { ownPlacesOf } from './own-places.ts';

/** Between SIGTERM and SIGKILL of a hook that has timed out. @see the official agent 2.x, `script.rs` */
const HOOK_GRACE_MS = 5_000;

/** Facts that a deployment needs and the configuration does not hold. */
export interface HostFacts {
  readonly region: string;
  /** Asked only when a bundle is fetched from S3. */
  readonly credentials: CredentialProvider;
  /** Environment that scripts inherit. */
  readonly baseEnvironment: Readonly<Record<string, string | undefined>>;
  /** Names proxies, authorities and where git is; else `baseEnvironment` does. */
  readonly proxyEnvironment?: Readonly<Record<string, string | undefined>>;
  /** Is told often; else the log is told now and then. */
  readonly onDownloadProgress?: OnProgress;
  /** Is given requests to S3 and their answers, as text. */
  readonly onWire?: (text: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The real context on this machine, as the agent's configuration has it: the same for the agent and for a local deployment. */
export function createDeploymentContext(config: AgentConfig, host: HostFacts): DeploymentContext {
  const { clock, log, onWire } = host;
  const proxyEnvironment = host.proxyEnvironment ?? host.baseEnvironment;
  const { s3CredentialsFile } = config;
  const trusted = { env: proxyEnvironment, caFile: config.caFile };
  const revisions: RevisionContext = {
    region: host.region,
    credentials: s3CredentialsFile === null ? host.credentials : async () => readOwnCredentials(s3CredentialsFile),
    s3CredentialsFile,
    s3EndpointOverride: config.s3EndpointOverride,
    useFipsMode: config.useFipsMode,
    useDualStack: config.useDualStack,
    proxyUri: config.proxyUri,
    proxyEnvironment,
    trustFor: createTrust(trusted),
    namedAuthorities: () => readAuthorities(trusted),
    gitHubEndpoint: config.gitHubEndpoint,
    sourceCredentialsFile: config.sourceCredentialsFile,
    gitSshKeyFile: config.gitSshKeyFile,
    gitKnownHostsFile: config.gitKnownHostsFile,
    gitMaxMemoryBytes: config.gitMaxMemoryBytes,
    tuning: {
      ...DOWNLOAD_TUNING,
      pace: { leastBytesPerSecond: config.downloadMinRate, windowMs: config.downloadMinRateSeconds * 1000 },
    },
    ...(onWire === undefined ? {} : { wireLog: (exchange) => onWire(renderExchange(exchange, clock.now())) }),
    clock,
    log,
  };
  return {
    rootDir: config.rootDir,
    configFile: config.configFile,
    programName: config.programName,
    maxRevisions: config.maxRevisions,
    maxRevisionsBytes: config.maxRevisionsBytes,
    enableArchiveReuse: config.enableArchiveReuse,
    trackingDir: join(config.rootDir, config.ongoingDeploymentTracking),
    restrictFolders: config.restrictAgentDirs,
    enableDeploymentsLog: config.enableDeploymentsLog,
    limits: { maxBytes: config.archiveMaxExtractionBytes, maxEntries: config.archiveMaxEntries },
    downloadLimits: { maxBytes: config.bundleMaxBytes, maxMs: config.downloadMaxSeconds * 1000 },
    entryRules: { rejectSymlinks: config.rejectSymlinks, keepOwnership: !config.ignoreOwnership },
    secondWriters: secondWriter,
    protectPaths: config.protectPaths,
    installRules: {
      rejectUnsafePermissions: config.rejectUnsafePermissions,
      rejectUnconfinedSelinux: config.rejectUnconfinedSelinux,
    },
    environmentRules: {
      restrictToAllowlist: config.restrictHookEnvironment,
      stripLoaderVariables: config.stripLoaderVariables,
      handedDown: config.hookEnvironment,
    },
    baseEnvironment: host.baseEnvironment,
    hookGraceMs: HOOK_GRACE_MS,
    hookOutputGraceMs: config.hookOutputGraceSeconds * 1000,
    hookOutputPolicy: config.hookOutputPolicy,
    updateCommand: config.updateCommand,
    applicationStop: config.applicationStop,
    hookScopes: createHookScopes(config.hookScopes, host.baseEnvironment, (why) => {
      const error = new SlipwayError('HOOK_NO_SCOPE', `systemd gives no scope for a hook: ${why}`);
      log.warn('hooks run in the agent’s own control group from now on', { error });
    }),
    appSpecs: rememberingAppSpecParser(),
    install: {
      fs: realInstallFs,
      tools: systemAttributeTools,
      secondThread,
      ids: { userId: (name) => lookupUser(name)?.uid ?? null, groupId: lookupGroup },
      agentUid: process.getuid?.() ?? 0,
      ownPlaces: ownPlacesOf(config),
      log,
    },
    signatureRules: (names) => signatureRulesFor(config.bundleSignatures, config.deploymentGroups, names),
    fetchBundle: createBundleFetcher(revisions),
    fetchSignature: createSignatureFetcher(revisions),
    ...(host.onDownloadProgress === undefined ? {} : { onDownloadProgress: host.onDownloadProgress }),
    clock,
    log,
  };
}

/** Read anew for each download, so that a key is rotated without a restart. */
function readOwnCredentials(file: string): AwsCredentials {
  return readAwsCredentials(file, 's3_credentials_file');
}
