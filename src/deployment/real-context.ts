import type { AgentConfig } from '../config/agent-config.ts';
import { systemAttributeTools } from '../install/attributes.ts';
import { realInstallFs } from '../install/install-fs.ts';
import type { Logger } from '../logging/logger.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import { createBundleFetcher } from '../revision/fetch-bundle.ts';
import { systemClock } from '../system/clock.ts';
import { lookupGroup, lookupUser } from '../system/users.ts';
import type { DeploymentContext } from './context.ts';

/** Between SIGTERM and SIGKILL of a hook that has timed out. @see the official agent 2.x, `script.rs` */
const HOOK_GRACE_MS = 5_000;

/** The context of this very machine: the real disk, clock, users and network, as the agent's configuration has them. */
export function createDeploymentContext(settings: {
  readonly config: AgentConfig;
  readonly region: string;
  readonly credentials: CredentialProvider;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}): DeploymentContext {
  const { config, region, credentials, environment, log } = settings;
  return {
    rootDir: config.rootDir,
    programName: config.programName,
    maxRevisions: config.maxRevisions,
    enableDeploymentsLog: config.enableDeploymentsLog,
    limits: { maxBytes: config.archiveMaxExtractionBytes, maxEntries: config.archiveMaxEntries },
    entryRules: { rejectSymlinks: config.rejectSymlinks, keepOwnership: !config.ignoreOwnership },
    installRules: {
      rejectUnsafePermissions: config.rejectUnsafePermissions,
      rejectUnconfinedSelinux: config.rejectUnconfinedSelinux,
    },
    environmentRules: {
      restrictToAllowlist: config.restrictHookEnvironment,
      stripLoaderVariables: config.stripLoaderVariables,
    },
    baseEnvironment: environment,
    hookGraceMs: HOOK_GRACE_MS,
    install: {
      fs: realInstallFs,
      tools: systemAttributeTools,
      ids: { userId: (name) => lookupUser(name)?.uid ?? null, groupId: lookupGroup },
      agentUid: process.getuid?.() ?? 0,
      log,
    },
    fetchBundle: createBundleFetcher({
      region,
      credentials,
      s3EndpointOverride: config.s3EndpointOverride,
      useFipsMode: config.useFipsMode,
      proxyUri: config.proxyUri,
      gitHubEndpoint: config.gitHubEndpoint,
      clock: systemClock,
      log,
    }),
    clock: systemClock,
    log,
  };
}
