import { existsSync } from 'node:fs';
import type { AppSpec } from '../../appspec/types.ts';
import { isSlipwayError, SlipwayError } from '../../errors.ts';
import { type InstallReport, runInstall } from '../../install/install.ts';
import { hasForeignRecords, interruptedGroups, recoverInstalls } from '../../install/recover-installs.ts';
import type { TakenOver } from '../../install/types.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import { AGENT_EVENTS, HOOK_EVENTS } from '../../protocol/lifecycle-events.ts';
import { requireNotTorn } from '../archive-durability.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { findAppSpec, warningsForLog } from '../find-appspec.ts';
import { describeGroupId } from '../groups-on-host.ts';
import { INSTALL_WAIT_MS, withInstallLock } from '../install-lock.ts';
import { deploymentPaths, instructionsDir } from '../layout.ts';
import { failedBy, succeeded } from '../outcomes.ts';
import { clearAside, removeSetAside } from '../set-aside.ts';

/** Install: put the revision's files in place, as one transaction. */
export async function install(
  ctx: DeploymentContext,
  { specification }: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { deploymentGroupId, deploymentId } = specification;
  const paths = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId);
  if (!existsSync(paths.archiveDir)) {
    throw new SlipwayError(
      'DEPLOYMENT_ARCHIVE_MISSING',
      `the revision of ${deploymentId} is not at ${paths.archiveDir}`,
    );
  }
  requireNotTorn(paths.deploymentDir);
  const found = findAppSpec(paths.archiveDir, specification.appSpecFilename, ctx.appSpecs);
  const { appSpec, filename } = found;
  // A key that stands where nobody reads it is why many an Install does what nobody expects.
  const log = warningsForLog(found);
  requireKnownEvents(appSpec, filename, specification.allPossibleLifecycleEvents);
  const runIt = () =>
    runInstall(ctx.install, {
      appSpec,
      archiveDir: paths.archiveDir,
      instructionsDir: instructionsDir(ctx.rootDir),
      deploymentGroupId,
      deploymentId,
      deploymentDir: paths.deploymentDir,
      fileExistsBehavior: specification.fileExistsBehavior,
      rules: ctx.installRules,
      protectPaths: ctx.protectPaths ?? [],
      nameOfGroup: (id) => describeGroupId(ctx.rootDir, id),
      ...(signal === undefined ? {} : { signal }),
    });
  const recoverAndInstall = async () => {
    await recoverCutOff(ctx, deploymentGroupId);
    return runIt().catch((error: unknown) => {
      // Old revisions that are on their way out may hold the room that is missing.
      if (!isSlipwayError(error, 'INSTALL_IMPOSSIBLE') || !removeSetAside(ctx.rootDir)) throw error;
      return runIt();
    });
  };
  let report: InstallReport;
  try {
    report = await withInstallLock(ctx, INSTALL_WAIT_MS, recoverAndInstall, signal);
  } catch (error) {
    if (log === '' || !isSlipwayError(error, 'INSTALL_IMPOSSIBLE')) throw error;
    ctx.log.error('Install failed', { deploymentId, error });
    return failedBy(error, log);
  } finally {
    clearAside(ctx.rootDir);
  }
  ctx.onObjects?.(report.files + report.unchanged);
  const { takenOver, ...counts } = report;
  ctx.log.info('installed', { deploymentId, ...counts, takenOver: takenOver.length });
  return succeeded(null, log + takeOverLog(ctx, deploymentId, takenOver));
}

/** More would not fit into diagnostics; the rest is counted. */
const LISTED_FILES = 20;

/** Says to the operator of either group what has changed hands; the agent's log has every path. */
function takeOverLog(ctx: DeploymentContext, deploymentId: string, takenOver: readonly TakenOver[]): string {
  const groups = Map.groupBy(takenOver, ({ groupName }) => groupName);
  return [...groups]
    .map(([group, files]) => {
      for (const { path } of files) {
        ctx.log.warn('a file of another deployment group was overwritten and is this group’s now', {
          deploymentId,
          path,
          group,
        });
      }
      const listed = files.slice(0, LISTED_FILES).map(({ path }) => path);
      const more = files.length > listed.length ? ` and ${files.length - listed.length} more` : '';
      const what = files.length === 1 ? 'a file' : `${files.length} files`;
      return `warning: OVERWRITE took over ${what} of the deployment group ${group}: ${listed.join(', ')}${more}\n`;
    })
    .join('');
}

/**
 * Puts right Installs that were cut off without a restart of the agent: an executor died, or a local deployment. Nobody else installs now,
 * so every journal is one of those. Another group's that cannot be put right is no fault of this one.
 */
async function recoverCutOff(ctx: DeploymentContext, own: string): Promise<void> {
  const folder = instructionsDir(ctx.rootDir);
  await recoverInstalls(ctx.install, folder, own);
  for (const group of interruptedGroups(ctx.install.fs, folder)) {
    try {
      await recoverInstalls(ctx.install, folder, group);
    } catch (error) {
      // It may still put back what it had changed of this group's own records.
      if (hasForeignRecords(ctx.install.fs, folder, group)) throw error;
      ctx.log.warn('an Install of another deployment group was cut off, and cannot be put right', { group, error });
    }
  }
}

/**
 * Holds the AppSpec file's events against those that the deployment may have, when it says which: neither may know one that the other
 * does not.
 *
 * @see the official agent 1.8.1, `app_spec_validator`: both directions are checked, in Install
 */
export function requireKnownEvents(appSpec: AppSpec, filename: string, possible: readonly string[] | null): void {
  if (possible === null) return;
  const usual: readonly string[] = [...HOOK_EVENTS, ...AGENT_EVENTS];
  const unknown = [...appSpec.hooks.keys()].filter((event) => !possible.includes(event));
  if (unknown.length > 0) {
    throw new SlipwayError(
      'DEPLOYMENT_EVENT_UNKNOWN',
      `${filename} has scripts for events that this deployment does not have: ${unknown.join(', ')}`,
    );
  }
  const missing = possible.filter((event) => !usual.includes(event) && !appSpec.hooks.has(event));
  if (missing.length > 0) {
    throw new SlipwayError(
      'DEPLOYMENT_EVENT_UNKNOWN',
      `the deployment has events that ${filename} has no scripts for: ${missing.join(', ')}`,
    );
  }
}
