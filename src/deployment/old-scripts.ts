/** Policy for failed scripts of an old revision: an old ApplicationStop must not keep a host on its revision for ever. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { advisedCommand } from './advised-command.ts';
import type { CommandRequest, DeploymentContext } from './context.ts';
import { deploymentPaths } from './layout.ts';
import { succeeded } from './outcomes.ts';

/** @param deploymentDir of the revision whose scripts ran */
export function judgeOldScripts(
  ctx: Pick<DeploymentContext, 'rootDir' | 'configFile' | 'applicationStop' | 'log'>,
  request: CommandRequest,
  deploymentDir: string,
  outcome: CommandOutcome,
): CommandOutcome {
  const { commandName: event, specification } = request;
  const { deploymentGroupId, deploymentId } = specification;
  const { diagnostics } = outcome;
  const fault = `${event} runs scripts of the last revision, ${basename(deploymentDir)} in ${deploymentDir}: ${diagnostics.message}`;
  if (ctx.applicationStop === 'fail') {
    // By the id, which always finds just this group: names are not known of groups that only other tools have deployed to.
    const reset = advisedCommand(ctx, 'reset-group', `id:${deploymentGroupId}`);
    const wayOut = `if they can never succeed, run \`${reset}\` on this host, which makes it forget that revision, and deploy again; or set application_stop: warn in the agent’s configuration.`;
    return { ...outcome, diagnostics: { ...diagnostics, message: `${fault}; ${wayOut}` } };
  }
  ctx.log.warn('scripts of the last revision failed; the deployment goes on', {
    event,
    deploymentId,
    oldRevision: deploymentDir,
    policy: ctx.applicationStop,
    fault: diagnostics.message,
  });
  leaveStopToNew(ctx, request);
  return succeeded(`${fault} (application_stop: ${ctx.applicationStop})`, diagnostics.log);
}

/**
 * Skips an event whose scripts are unknown, because the old revision's AppSpec file cannot be read; a missing revision has the same effect.
 * Nobody can change a revision that is deployed already, so it must not hold up the next one.
 */
export function skipOldScripts(
  ctx: Pick<DeploymentContext, 'rootDir' | 'applicationStop' | 'log'>,
  request: CommandRequest,
  deploymentDir: string,
  fault: Error,
): CommandOutcome {
  const { commandName: event, specification } = request;
  const message = `${event} was skipped: its scripts are those of the last revision, ${basename(deploymentDir)}, whose AppSpec file cannot be used: ${fault.message}`;
  ctx.log.warn(message, { event, deploymentId: specification.deploymentId, oldRevision: deploymentDir });
  leaveStopToNew(ctx, request);
  return succeeded(message, `warning: ${message}\n`);
}

/** With `use-new` the new revision stops the application, because the old one could not. */
function leaveStopToNew(
  ctx: Pick<DeploymentContext, 'rootDir' | 'applicationStop'>,
  { commandName, specification }: CommandRequest,
): void {
  if (ctx.applicationStop !== 'use-new' || commandName !== 'ApplicationStop') return;
  const flag = stopFlag(ctx.rootDir, specification.deploymentGroupId, specification.deploymentId);
  mkdirSync(dirname(flag), { recursive: true, mode: 0o755 });
  writeFileSync(flag, '');
}

/** Whether the new revision is to stop the application, because the old one could not. It is asked once. */
export function takeStopFlag(ctx: Pick<DeploymentContext, 'rootDir'>, { specification }: CommandRequest): boolean {
  const flag = stopFlag(ctx.rootDir, specification.deploymentGroupId, specification.deploymentId);
  if (!existsSync(flag)) return false;
  rmSync(flag, { force: true });
  return true;
}

function stopFlag(rootDir: string, deploymentGroupId: string, deploymentId: string): string {
  return join(deploymentPaths(rootDir, deploymentGroupId, deploymentId).deploymentDir, '.application-stop-failed');
}
