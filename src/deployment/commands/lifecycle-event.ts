import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Hook } from '../../appspec/types.ts';
import { type ErrorCode, isSlipwayError, SlipwayError } from '../../errors.ts';
import { hookEnvironment } from '../../hooks/environment.ts';
import { createOutputPipes } from '../../hooks/output-pipe.ts';
import { runLifecycleEvent } from '../../hooks/run-event.ts';
import { createScriptLog } from '../../hooks/script-log.ts';
import { LOG_FILE_BYTES, LOG_FILES, openRotatingFile } from '../../logging/rotating-file.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import { isTorn, requireNotTorn } from '../archive-durability.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { type FoundHooks, findAppSpec, findInstalledHooks } from '../find-appspec.ts';
import { folderModes } from '../folder-modes.ts';
import { noteOldScripts } from '../history.ts';
import {
  archiveDirOf,
  deploymentPaths,
  deploymentsLogFile,
  groupPointers,
  pipesFolder,
  readDownloadedETag,
  readPointer,
} from '../layout.ts';
import { judgeOldScripts, skipOldScripts } from '../old-scripts.ts';
import { failedBy, outcomeOfEvent, succeeded } from '../outcomes.ts';
import { whoseScripts } from '../whose-scripts.ts';

/**
 * A hook event: run the scripts that the right revision has for it. The operator's policy judges failed scripts of an old revision, because
 * nobody can change a revision that is deployed already.
 */
export async function lifecycleEvent(
  ctx: DeploymentContext,
  request: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const oldRevision = oldRevisionFor(ctx, request);
  if (oldRevision === null) return runEventScripts(ctx, request, signal);
  let outcome: CommandOutcome;
  try {
    outcome = await runEventScripts(ctx, request, signal);
  } catch (fault) {
    if (signal?.aborted === true) throw fault;
    if (isSlipwayError(fault) && UNREADABLE.includes(fault.code)) {
      return skipOldScripts(ctx, request, oldRevision, fault);
    }
    outcome = failedBy(fault);
  }
  if (signal?.aborted === true) return outcome;
  noteEnding(ctx, request, oldRevision, outcome);
  return outcome.status === 'Succeeded' ? outcome : judgeOldScripts(ctx, request, oldRevision, outcome);
}

/** Faults of an installed revision's AppSpec file that do not hold up the next deployment. */
const UNREADABLE: readonly ErrorCode[] = ['APPSPEC_MISSING', 'APPSPEC_INVALID'];

/** Notes the ending for people who think of going back to that revision. It must not turn a success into a failure. */
function noteEnding(
  ctx: DeploymentContext,
  { commandName: event, specification }: CommandRequest,
  oldRevision: string,
  { status }: CommandOutcome,
): void {
  try {
    noteOldScripts(ctx.rootDir, specification.deploymentGroupId, basename(oldRevision), event, status);
  } catch (error) {
    ctx.log.warn('the history of the deployment group cannot be written', { event, error });
  }
}

/** Runs the scripts of one event. @throws SlipwayError as `findScripts` does */
export async function runEventScripts(
  ctx: DeploymentContext,
  request: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { specification, commandName: event } = request;
  const scripts = findScripts(ctx, request);
  if (scripts === null || scripts.hooks.length === 0) return succeeded();
  const paths = deploymentPaths(ctx.rootDir, specification.deploymentGroupId, specification.deploymentId);
  const logsDir = dirname(paths.scriptsLog);
  const onFault = (error: unknown) => ctx.log.warn('the script log cannot be written; the event goes on', { error });
  const { logs: folderMode, logFile: mode } = folderModes(ctx.restrictFolders);
  const limits = { maxBytes: LOG_FILE_BYTES, files: LOG_FILES, mode, folderMode };
  const files = {
    scripts: openRotatingFile(paths.scriptsLog, onFault, limits),
    scriptsPath: paths.scriptsLog,
    deployments: ctx.enableDeploymentsLog
      ? openRotatingFile(deploymentsLogFile(ctx.rootDir, ctx.programName), onFault, limits)
      : null,
  };
  const live = ctx.liveOutput?.(request.hostCommandIdentifier) ?? null;
  try {
    const scriptLog = createScriptLog(files, specification.deploymentId, ctx.clock, live);
    const outcome = await runLifecycleEvent(
      {
        clock: ctx.clock,
        log: ctx.log,
        graceMs: ctx.hookGraceMs,
        outputGraceMs: ctx.hookOutputGraceMs,
        outputPolicy: ctx.hookOutputPolicy,
        scopes: ctx.hookScopes,
        pipes: ctx.hookPipes ?? { take: () => createOutputPipes(['stdout', 'stderr'], pipesFolder(ctx.rootDir)) },
      },
      {
        event,
        hooks: scripts.hooks,
        archiveDir: scripts.archiveDir,
        logsDir,
        environment: hookEnvironment(
          {
            ...specification,
            event,
            downloadedETag: readDownloadedETag(paths),
            marker: request.hostCommandIdentifier,
          },
          ctx.baseEnvironment,
          ctx.environmentRules,
        ),
        scriptLog,
        ...(signal === undefined ? {} : { killSignal: signal }),
      },
    );
    return outcomeOfEvent(outcome, scriptLog.tail());
  } finally {
    live?.end();
    files.scripts.close();
    files.deployments?.close();
  }
}

interface FoundScripts {
  readonly hooks: readonly Hook[];
  readonly archiveDir: string;
}

/**
 * The scripts that an event would run; null when there is no revision to take them from, which is how a first deployment begins.
 *
 * @throws SlipwayError when the revision is there and its AppSpec file is missing or has errors. The file of an old revision, which the
 * message names, may have errors as long as it makes any sense
 */
export function findScripts(
  ctx: DeploymentContext,
  { commandName, specification }: CommandRequest,
): FoundScripts | null {
  const { deploymentGroupId, deploymentId } = specification;
  const { deploymentDir, archiveDir: own } = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId);
  const isOwn = existsSync(own);
  if (isOwn) requireNotTorn(deploymentDir);
  const archiveDir = isOwn ? own : otherArchive(ctx, commandName, specification);
  if (archiveDir === null) return null;
  const hooks = isOwn
    ? findAppSpec(archiveDir, specification.appSpecFilename, ctx.appSpecs).appSpec.hooks
    : hooksOfOld(ctx, archiveDir, specification.appSpecFilename);
  return { hooks: hooks.get(commandName) ?? [], archiveDir };
}

function hooksOfOld(ctx: DeploymentContext, archiveDir: string, appSpecFilename: string): FoundHooks['hooks'] {
  const { hooks, faults } = findInstalledHooks(archiveDir, appSpecFilename, ctx.appSpecs);
  if (faults.length > 0) {
    ctx.log.warn('the AppSpec file of the last revision has errors in its hooks; what can be read of them counts', {
      archiveDir,
      faults,
    });
  }
  return hooks;
}

/** The folder of the old revision whose scripts the event runs; null: it runs those of its own deployment, or none. */
function oldRevisionFor(
  ctx: DeploymentContext,
  { commandName, specification }: Pick<CommandRequest, 'commandName' | 'specification'>,
): string | null {
  const { deploymentGroupId, deploymentId } = specification;
  if (existsSync(deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId).archiveDir)) return null;
  const whose = whoseScripts(commandName, specification);
  if (whose === 'current') return null;
  const pointers = groupPointers(ctx.rootDir, deploymentGroupId);
  return readPointer(whose === 'last-successful' ? pointers.lastSuccessful : pointers.mostRecent);
}

function otherArchive(
  ctx: DeploymentContext,
  event: string,
  specification: CommandRequest['specification'],
): string | null {
  const whose = whoseScripts(event, specification);
  if (whose === 'current') {
    throw new SlipwayError(
      'DEPLOYMENT_ARCHIVE_MISSING',
      `${event} needs the revision of ${specification.deploymentId}, which is not on this host`,
    );
  }
  const deploymentDir = oldRevisionFor(ctx, { commandName: event, specification });
  if (deploymentDir === null) return null;
  const archiveDir = archiveDirOf(deploymentDir);
  const isThere = existsSync(archiveDir);
  if (isThere && !isTorn(deploymentDir)) return archiveDir;
  const why = isThere ? 'may be incomplete, because this host went down before it was on the disk' : 'is gone';
  ctx.log.warn(`the revision that ${event} would run scripts of ${why}; the event is skipped`, { event, archiveDir });
  return null;
}
