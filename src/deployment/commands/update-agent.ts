import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { failed, succeeded } from '../outcomes.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10 * 60_000;
/** As much as diagnostics carry. */
const TAIL_CHARACTERS = 2000;

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
  const run = await execa('/bin/sh', ['-c', updateCommand], {
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  const tail = run.all.slice(-TAIL_CHARACTERS);
  return run.failed ? failed(4, `update_command failed: ${run.shortMessage}`, '', tail) : succeeded(null, tail);
}
