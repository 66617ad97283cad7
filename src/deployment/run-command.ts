import { isSlipwayError, SlipwayError } from '../errors.ts';
import { killProcessesOf } from '../hooks/hook-processes.ts';
import { interruptedGroups, type RecoveredInstall, recoverInstalls } from '../install/recover-installs.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { isHookEvent } from '../protocol/lifecycle-events.ts';
import { processView } from '../system/processes.ts';
import { requireFolder } from '../system/required-folder.ts';
import { downloadBundle } from './commands/download-bundle.ts';
import { install } from './commands/install.ts';
import { findScripts, lifecycleEvent } from './commands/lifecycle-event.ts';
import { updateAgent } from './commands/update-agent.ts';
import type { CommandRequest, DeploymentContext } from './context.ts';
import { folderModes, restrictFolders } from './folder-modes.ts';
import { removeHalfDone } from './half-done.ts';
import { noteOutcome } from './history.ts';
import { withInstallLock } from './install-lock.ts';
import { instructionsDir } from './layout.ts';
import { failedBy } from './outcomes.ts';

/**
 * Limit on the wait for a surviving executor, in ms. When only the daemon was killed, its executor first finishes its work, which may be an
 * Install. Two at work on one journal would mix the trees.
 */
const SURVIVOR_WAIT_MS = 60_000;

type Command = (ctx: DeploymentContext, request: CommandRequest, signal?: AbortSignal) => Promise<CommandOutcome>;

/** The commands that are not hook events; those are all done by `lifecycleEvent`. */
const COMMANDS: Readonly<Record<string, Command>> = {
  DownloadBundle: downloadBundle,
  Install: install,
  UpdateDeploymentAgent: updateAgent,
};

/**
 * Carries out one host command. Never throws: whatever goes wrong is an outcome, because every acknowledged command must have one.
 *
 * @param signal aborting it kills the hook that runs, or stops the download, and ends the command as failed
 */
export async function runCommand(
  ctx: DeploymentContext,
  request: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  try {
    requireFolder('root_dir', instructionsDir(ctx.rootDir), folderModes(ctx.restrictFolders).own);
    const command = commandFor(request);
    if (command === null) return unknownCommand(request.commandName);
    const outcome = await command(ctx, request, signal);
    keepHistory(ctx, request, outcome);
    return outcome;
  } catch (fault) {
    if (signal?.aborted === true) {
      return failedBy(new SlipwayError('DEPLOYMENT_INTERRUPTED', 'the agent was told to end at once'));
    }
    ctx.log.error(`${request.commandName} failed`, { ...commandFields(request), error: fault });
    const outcome = failedBy(fault);
    keepHistory(ctx, request, outcome);
    return outcome;
  } finally {
    if (ctx.restrictFolders) keepFoldersRestricted(ctx);
  }
}

/** Restricts the folders that the command has made. A folder that somebody else owns is theirs to close. */
function keepFoldersRestricted(ctx: DeploymentContext): void {
  try {
    restrictFolders(ctx);
  } catch (error) {
    ctx.log.warn('other users may still look into folders of the agent', { error });
  }
}

/** For a later rollback. It must not turn a success into a failure. */
function keepHistory(ctx: DeploymentContext, request: CommandRequest, outcome: CommandOutcome): void {
  try {
    noteOutcome(ctx.rootDir, request.commandName, request.specification, outcome, ctx.clock.now());
  } catch (error) {
    ctx.log.warn('the history of the deployment group cannot be written', { ...commandFields(request), error });
  }
}

/**
 * Whether a command would do nothing on this host, so that the server may skip it. That is a hook event whose revision, event or scripts
 * are missing.
 *
 * A command that cannot be judged, because the AppSpec file has errors, does not count as one. It must run and fail, so that its fault is
 * reported.
 */
export function isCommandNoop(ctx: DeploymentContext, request: CommandRequest): boolean {
  const command = commandFor(request);
  if (command === null) return true;
  if (command !== lifecycleEvent) return false;
  try {
    const scripts = findScripts(ctx, request);
    return scripts === null || scripts.hooks.length === 0;
  } catch {
    return false;
  }
}

/**
 * Puts right what a crash of the agent left: processes of hooks that nobody waits for any more, half-fetched and half-unpacked bundles, and
 * half-done Installs. Call it before new work is taken.
 *
 * @param interruptedCommands identifiers of the host commands that ran
 * @throws SlipwayError INSTALL_NOT_RECOVERED
 */
export async function recoverHost(
  ctx: Pick<DeploymentContext, 'rootDir' | 'install' | 'clock' | 'log'>,
  interruptedCommands: readonly string[],
): Promise<readonly RecoveredInstall[]> {
  for (const hostCommandIdentifier of interruptedCommands) {
    const killed = await killProcessesOf(ctx.clock, hostCommandIdentifier);
    if (killed > 0) ctx.log.warn('killed processes of an interrupted hook', { hostCommandIdentifier, killed });
  }
  if (interruptedCommands.length > 0 && processView() !== 'all') {
    ctx.log.warn('scripts of interrupted commands may still run: /proc does not show all processes', {
      interruptedCommands,
    });
  }
  removeHalfDone(ctx);
  const folder = instructionsDir(ctx.rootDir);
  if (interruptedGroups(ctx.install.fs, folder).length === 0) return [];
  try {
    return await withInstallLock(ctx, SURVIVOR_WAIT_MS, () => recoverInstalls(ctx.install, folder));
  } catch (error) {
    if (!isSlipwayError(error, 'DEPLOYMENT_INSTALL_BUSY')) throw error;
    // Whoever still installs ends its own, and the next Install puts right what is left besides.
    ctx.log.warn(`an Install is under way: ${error.message}`);
    return [];
  }
}

/** A custom event (of a local deployment) is a hook event when the deployment lists it. */
function commandFor({ commandName, specification }: CommandRequest): Command | null {
  if (isHookEvent(commandName)) return lifecycleEvent;
  const own = Object.hasOwn(COMMANDS, commandName) ? COMMANDS[commandName] : undefined;
  if (own !== undefined) return own;
  return specification.allPossibleLifecycleEvents?.includes(commandName) ? lifecycleEvent : null;
}

function unknownCommand(commandName: string): CommandOutcome {
  return failedBy(
    new SlipwayError('DEPLOYMENT_COMMAND_UNKNOWN', `the host command '${commandName}' is not supported by this agent`),
  );
}

function commandFields({ hostCommandIdentifier, specification }: CommandRequest): Record<string, string> {
  return { hostCommandIdentifier, deploymentId: specification.deploymentId };
}
