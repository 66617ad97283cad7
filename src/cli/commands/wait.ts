import { Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import { printable } from '../../system/printable.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { waitForDeployment } from '../view/wait.ts';

interface WaitOptions extends ConnectionOptions {
  readonly for: 'traffic' | 'end';
  readonly json?: boolean;
}

export const addWaitCommand: AddCommand = (program, ctx, conclude) => {
  const command = program
    .command('wait')
    .argument('<deployment>')
    .description('wait for a deployment, and fail where it fails');
  addConnectionOptions(command)
    .addOption(
      new Option('--for <state>', 'traffic: all traffic goes to the new revision; end: the deployment has ended')
        .choices(['traffic', 'end'])
        .default('end'),
    )
    .option('--json', 'as JSON')
    .action(async (deploymentId: string, options: WaitOptions) => {
      const { client } = connect(ctx, options);
      const { clock, interrupted } = ctx;
      const came = await waitForDeployment({ client, clock, interrupted }, deploymentId, options.for);
      if (came === 'no traffic') {
        throw new SlipwayError('CLI_BAD_ARGUMENT', `the deployment ${deploymentId} moves no traffic`, {
          remedy: 'Wait for its end: leave out --for traffic.',
        });
      }
      if (came === 'interrupted') return conclude('interrupted');
      const { isReached, words } = came;
      const result = { deploymentId, waitedFor: options.for, isReached, words };
      if (options.json) ctx.stdout.write(`${JSON.stringify(result)}\n`);
      else (isReached ? ctx.stdout : ctx.stderr).write(`${printable(words)}\n`);
      if (!isReached) conclude('failed');
    });
};
