import { statSync } from 'node:fs';
import { join } from 'node:path';
import { findScripts } from '../deployment/commands/lifecycle-event.ts';
import type { CommandRequest, DeploymentContext } from '../deployment/context.ts';
import { appSpecMissing, locateAppSpec } from '../deployment/find-appspec.ts';
import { folderModes } from '../deployment/folder-modes.ts';
import { withGroupLock } from '../deployment/group-lock.ts';
import { deploymentPaths } from '../deployment/layout.ts';
import { requireForeignSource } from '../deployment/own-places.ts';
import { runCommand } from '../deployment/run-command.ts';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { requireFolder } from '../system/required-folder.ts';
import { noFolder } from './bundle-kind.ts';
import type { LocalDeploymentPlan } from './plan.ts';
import { requireSoundRevision } from './validate.ts';

/** Reports while a local deployment runs. */
export type LocalDeploymentProgress =
  | { readonly type: 'started'; readonly event: string }
  | {
      readonly type: 'ended';
      readonly event: string;
      readonly outcome: CommandOutcome;
      readonly durationMs: number;
    };

export interface LocalDeploymentResult {
  readonly status: 'Succeeded' | 'Failed';
  /** Where the revision and the log of its scripts are. */
  readonly deploymentDir: string;
  readonly scriptsLog: string;
  /** The event that ended it, and how; null after a success. */
  readonly failure: LocalDeploymentFailure | null;
}

export interface LocalDeploymentFailure {
  readonly event: string;
  readonly outcome: CommandOutcome;
  /** The script at fault, absolute, which may be an old revision's; null: no script was. */
  readonly script: string | null;
}

/**
 * Deploys on this machine with no server: the same commands as the agent carries out, one after the other, up to the first that fails.
 *
 * @param onProgress is told before and after each event
 * @param signal aborting it kills the script that runs, or stops the download, and ends the deployment as failed
 * @throws SlipwayError before anything was done: REVISION_NOT_FOUND or APPSPEC_MISSING when there is nothing to deploy. CLI_BAD_REVISION or
 * ARCHIVE_… when no host could deploy it. REVISION_IS_OWN when the folder holds what is the agent's. DEPLOYMENT_ROOT_UNUSABLE when there is
 * no place to keep it. DEPLOYMENT_GROUP_BUSY while somebody else deploys in the group. How the deployment itself ends is a value
 */
export async function runLocalDeployment(
  ctx: DeploymentContext,
  plan: LocalDeploymentPlan,
  onProgress: (progress: LocalDeploymentProgress) => void,
  signal?: AbortSignal,
): Promise<LocalDeploymentResult> {
  const { specification } = plan;
  requireRevision(specification);
  requireForeignSource(ctx.install, specification.revision);
  await requireSoundBeforehand(ctx, plan, signal);
  requireFolder('root_dir', ctx.rootDir, folderModes(ctx.restrictFolders).passage);
  return withGroupLock(ctx, specification.deploymentGroupId, 0, () => runEvents(ctx, plan, onProgress, signal));
}

async function runEvents(
  ctx: DeploymentContext,
  { specification, events }: LocalDeploymentPlan,
  onProgress: (progress: LocalDeploymentProgress) => void,
  signal: AbortSignal | undefined,
): Promise<LocalDeploymentResult> {
  const { deploymentDir, scriptsLog } = deploymentPaths(
    ctx.rootDir,
    specification.deploymentGroupId,
    specification.deploymentId,
  );
  for (const [index, event] of events.entries()) {
    const request: CommandRequest = {
      hostCommandIdentifier: `${specification.deploymentId}/${index}/${event}`,
      commandName: event,
      specification,
    };
    onProgress({ type: 'started', event });
    const startedMs = ctx.clock.now();
    const outcome = await runCommand(ctx, request, signal);
    onProgress({ type: 'ended', event, outcome, durationMs: ctx.clock.now() - startedMs });
    if (outcome.status === 'Failed') {
      const failure = { event, outcome, script: scriptAtFault(ctx, request, outcome) };
      return { status: 'Failed', deploymentDir, scriptsLog, failure };
    }
  }
  return { status: 'Succeeded', deploymentDir, scriptsLog, failure: null };
}

/** A revision on this machine is looked at first: a slip of the pen must not leave a half-done deployment. */
function requireRevision({ revision, appSpecFilename }: CommandRequest['specification']): void {
  if (revision.revisionType !== 'Local File' && revision.revisionType !== 'Local Directory') return;
  const { location } = revision;
  const stats = statSync(location, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new SlipwayError('REVISION_NOT_FOUND', `the bundle location ${location} does not exist`, {
      remedy: 'Check the path: it has to name a folder that holds a revision, or a bundle.',
    });
  }
  if (revision.revisionType === 'Local File') {
    if (stats.isFile()) return;
    throw new SlipwayError(
      'REVISION_NOT_FOUND',
      `the bundle location ${location} is no file, as the type ${revision.bundleType} says`,
      { remedy: 'Name the bundle file, or pass --type directory.' },
    );
  }
  if (!stats.isDirectory()) throw noFolder(location);
  if (locateAppSpec(location, appSpecFilename) === null) throw appSpecMissing(location, appSpecFilename);
}

/**
 * Largest bundle that is judged beforehand, in bytes. A larger one takes too long to be unpacked twice: the agent's own DownloadBundle
 * judges it.
 */
const JUDGED_BUNDLE_BYTES = 64 * 1024 * 1024;

/**
 * Judges a revision of this machine as `slipway validate` does, before the application is stopped for it. A rollback goes back to what was
 * deployed before, and must not be held up. Where signatures are asked for, nothing is unpacked before they have been looked at.
 */
async function requireSoundBeforehand(
  ctx: DeploymentContext,
  { specification, events }: LocalDeploymentPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { revision, appSpecFilename } = specification;
  if (revision.revisionType !== 'Local File' && revision.revisionType !== 'Local Directory') return;
  if (specification.deploymentCreator === 'codeDeployRollback') return;
  const isFile = revision.revisionType === 'Local File';
  if (
    isFile &&
    (statSync(revision.location).size > JUDGED_BUNDLE_BYTES || ctx.signatureRules(specification).policy === 'enforce')
  ) {
    return;
  }
  const { userId, groupId } = ctx.install.ids;
  try {
    await requireSoundRevision({
      path: revision.location,
      ...(isFile && { bundleType: revision.bundleType }),
      appSpecFilename,
      // What the host lacks is said by the events themselves, with the fault that comes of it.
      host: {
        hasUser: (name) => userId(name) !== null,
        hasGroup: (name) => groupId(name) !== null,
        hasProgram: () => true,
      },
      isTargetHost: false,
      limits: ctx.limits,
      entryRules: ctx.entryRules,
      rejectUnconfinedSelinux: ctx.installRules.rejectUnconfinedSelinux,
      events,
      ...(signal && { signal }),
    });
  } catch (error) {
    // The folder for a quick look has no room; that of deployments may have.
    if (isSlipwayError(error, 'TEMPORARY_FOLDER_UNUSABLE') || isSlipwayError(error, 'ARCHIVE_CANNOT_WRITE')) return;
    throw error;
  }
}

function scriptAtFault(ctx: DeploymentContext, request: CommandRequest, outcome: CommandOutcome): string | null {
  const { scriptName } = outcome.diagnostics;
  if (scriptName === '') return null;
  const scripts = findScripts(ctx, request);
  return scripts === null ? null : join(scripts.archiveDir, scriptName);
}
