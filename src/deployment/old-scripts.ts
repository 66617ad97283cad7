/** What comes of a script of an old revision that fails: an old ApplicationStop must not keep a host on its revision for ever. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import type { CommandRequest, DeploymentContext } from './context.ts';
import { deploymentPaths } from './layout.ts';
import { succeeded } from './outcomes.ts';

/** @param deploymentDir of the revision whose scripts ran */
export function judgeOldScripts(
  ctx: Pick<DeploymentContext, 'rootDir' | 'applicationStop' | 'log'>,
  { commandName: event, specification }: CommandRequest,
  deploymentDir: string,
  outcome: CommandOutcome,
): CommandOutcome {
  const { deploymentGroupId, deploymentGroupName, deploymentId } = specification;
  const { diagnostics } = outcome;
  const fault = `${event} runs scripts of the last revision, ${basename(deploymentDir)} in ${deploymentDir}: ${diagnostics.message}`;
  if (ctx.applicationStop === 'fail') {
    const wayOut = `if they can never succeed, run \`slipway reset-group ${deploymentGroupName}\` on this host and deploy again, or set application_stop: warn in the agent’s configuration.`;
    return { ...outcome, diagnostics: { ...diagnostics, message: `${fault}; ${wayOut}` } };
  }
  ctx.log.warn('scripts of the last revision failed; the deployment goes on', {
    event,
    deploymentId,
    oldRevision: deploymentDir,
    policy: ctx.applicationStop,
    fault: diagnostics.message,
  });
  if (ctx.applicationStop === 'use-new' && event === 'ApplicationStop') {
    const flag = stopFlag(ctx.rootDir, deploymentGroupId, deploymentId);
    mkdirSync(dirname(flag), { recursive: true, mode: 0o755 });
    writeFileSync(flag, '');
  }
  return succeeded(`${fault} (application_stop: ${ctx.applicationStop})`, diagnostics.log);
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
