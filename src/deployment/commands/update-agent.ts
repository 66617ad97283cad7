import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import { createLineSplitter, createLogTail } from '../../hooks/output.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import { signalProcess } from '../../system/processes.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { failed, succeeded } from '../outcomes.ts';

const TIMEOUT_MS = 10 * 60_000;
/** What is ended is gone by then; whoever has left the group may hold the output for ever. */
const LAST_WORDS_MS = 500;

/**
 * UpdateDeploymentAgent: runs the command that the operator has configured, and nothing else. The official agent 2.x downloads a script and
 * runs it as root, which one wrong answer of the service is enough for.
 *
 * @throws SlipwayError DEPLOYMENT_UPDATE_REFUSED when none is configured
 */
export async function updateAgent(
  ctx: Pick<DeploymentContext, 'updateCommand' | 'log'>,
  { specification }: CommandRequest,
): Promise<CommandOutcome> {
  const { updateCommand } = ctx;
  if (updateCommand === null) {
    throw new SlipwayError(
      'DEPLOYMENT_UPDATE_REFUSED',
      'the service wants the agent to update itself, which it does not',
    );
  }
  ctx.log.info('running the update command', { updateCommand, deploymentId: specification.deploymentId });
  return runUpdate(updateCommand, TIMEOUT_MS);
}

/** Runs it in a process group of its own, which ends as a whole when the time is over, however much it says. */
export async function runUpdate(updateCommand: string, timeoutMs: number): Promise<CommandOutcome> {
  const child = execa('/bin/sh', ['-c', updateCommand], {
    reject: false,
    all: true,
    stdin: 'ignore',
    buffer: false,
    detached: true,
    cleanup: false,
  });
  const tail = createLogTail();
  const lines = createLineSplitter((line) => tail.add(line));
  child.all.on('data', (chunk: Buffer) => lines.write(chunk));
  let isOver = false;
  let timer = setTimeout(() => {
    isOver = true;
    if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    timer = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, LAST_WORDS_MS);
  }, timeoutMs);
  const run = await child;
  clearTimeout(timer);
  lines.end();
  if (!run.failed && !isOver) return succeeded(null, tail.text());
  const why = isOver ? `it took longer than ${timeoutMs / 1000} s and was ended` : run.shortMessage;
  return failed(4, `update_command failed: ${why}`, '', tail.text());
}
