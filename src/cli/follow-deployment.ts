import { printable } from '../system/printable.ts';
import type { Conclude } from './command.ts';
import { type Connection, type ConnectionOptions, serverCommand } from './connection.ts';
import type { CliContext } from './context.ts';
import { type FollowStyle, followDeployment } from './view/follow.ts';
import type { ResultOptions } from './view/result.ts';

/** Follows a deployment to its end, which is how the command then ends; a person who breaks off is told that the deployment goes on. */
export async function followUntilEnd(
  ctx: CliContext,
  { client }: Connection,
  deploymentId: string,
  options: ConnectionOptions & ResultOptions,
  conclude: Conclude,
): Promise<void> {
  const { clock, stdout, interrupted } = ctx;
  if (options.json !== true) stdout.write(`deployment ${printable(deploymentId)}\n`);
  const ended = await followDeployment({ client, clock, stdout, interrupted }, deploymentId, styleFor(ctx, options));
  if (ended === null) {
    ctx.stderr.write(
      `no longer following; the deployment goes on: ${serverCommand(options, 'deployments', 'follow', deploymentId)}, or stop it: ` +
        `${serverCommand(options, 'deployments', 'stop', deploymentId)}\n`,
    );
    conclude('interrupted');
  } else if (ended.status !== 'Succeeded') {
    conclude('failed');
  }
}

function styleFor({ stdout }: CliContext, { json }: ResultOptions): FollowStyle {
  if (json === true) return 'json';
  return stdout.isTerminal ? 'live' : 'plain';
}
