import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Hook } from '../../appspec/types.ts';
import { SlipwayError } from '../../errors.ts';
import { hookEnvironment } from '../../hooks/environment.ts';
import { openRotatingFile } from '../../hooks/rotating-file.ts';
import { runLifecycleEvent } from '../../hooks/run-event.ts';
import { createScriptLog } from '../../hooks/script-log.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { findAppSpec } from '../find-appspec.ts';
import {
  archiveDirOf,
  deploymentPaths,
  deploymentsLogFile,
  groupPointers,
  readDownloadedETag,
  readPointer,
} from '../layout.ts';
import { outcomeOfEvent, succeeded } from '../outcomes.ts';
import { whoseScripts } from '../whose-scripts.ts';

/** A hook event: run the scripts that the right revision has for it. */
export async function lifecycleEvent(
  ctx: DeploymentContext,
  request: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { specification, commandName: event } = request;
  const scripts = findScripts(ctx, request);
  if (scripts === null || scripts.hooks.length === 0) return succeeded();
  const paths = deploymentPaths(ctx.rootDir, specification.deploymentGroupId, specification.deploymentId);
  const onFault = (error: unknown) => ctx.log.warn('the script log cannot be written; the event goes on', { error });
  const files = {
    scripts: openRotatingFile(paths.scriptsLog, onFault),
    deployments: ctx.enableDeploymentsLog
      ? openRotatingFile(deploymentsLogFile(ctx.rootDir, ctx.programName), onFault)
      : null,
  };
  try {
    const scriptLog = createScriptLog(files, specification.deploymentId, ctx.clock);
    const outcome = await runLifecycleEvent(
      {
        clock: ctx.clock,
        log: ctx.log,
        graceMs: ctx.hookGraceMs,
        outputGraceMs: ctx.hookOutputGraceMs,
        outputPolicy: ctx.hookOutputPolicy,
        scopes: ctx.hookScopes,
      },
      {
        event,
        hooks: scripts.hooks,
        archiveDir: scripts.archiveDir,
        logsDir: dirname(paths.scriptsLog),
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
 * @throws SlipwayError when the revision is there and its AppSpec file is not, or has errors: the message names the revision, which may be
 * an old one
 */
export function findScripts(
  ctx: DeploymentContext,
  { commandName, specification }: CommandRequest,
): FoundScripts | null {
  const { deploymentGroupId, deploymentId } = specification;
  const own = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId).archiveDir;
  const archiveDir = existsSync(own) ? own : otherArchive(ctx, commandName, specification);
  if (archiveDir === null) return null;
  const { appSpec } = findAppSpec(archiveDir, specification.appSpecFilename);
  return { hooks: appSpec.hooks.get(commandName) ?? [], archiveDir };
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
  const pointers = groupPointers(ctx.rootDir, specification.deploymentGroupId);
  const deploymentDir = readPointer(whose === 'last-successful' ? pointers.lastSuccessful : pointers.mostRecent);
  if (deploymentDir === null) return null;
  const archiveDir = archiveDirOf(deploymentDir);
  if (existsSync(archiveDir)) return archiveDir;
  ctx.log.warn(`the revision that ${event} would run scripts of is gone; the event is skipped`, { event, archiveDir });
  return null;
}
