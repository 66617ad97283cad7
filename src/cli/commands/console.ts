import { fragmentOf } from '../../console/sign-in/one-time.ts';
import { signSignIn } from '../../console/sign-in/sign.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface ConsoleOptions extends ConnectionOptions, ResultOptions {}

export const addConsoleCommand: AddCommand = (program, ctx) => {
  addConnectionOptions(
    program
      .command('console')
      .description('print an address that signs a browser in to the console, once and within five minutes'),
  )
    .option('--json', 'as JSON')
    .action(async (options: ConsoleOptions) => {
      const { endpoint, credentials, client } = connect(ctx, options);
      // A key that is wrong is found out here, and not in the browser.
      const { version } = await client.call('DescribeServer', {});
      const console = new URL('/console/', endpoint);
      const how = { host: console.host, nonce: ctx.random.uuid(), nowMs: ctx.clock.now() };
      const signIn = new URL(fragmentOf(signSignIn(await credentials(), how)), console);
      const result = { console: console.href, signIn: signIn.href, version };
      printResult(ctx, options, result, [signIn.href]);
    });
};
