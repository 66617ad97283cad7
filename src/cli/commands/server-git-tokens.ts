import type { Command } from 'commander';
import { collect } from '../arguments.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { readTokenFile } from '../secret-file.ts';
import { printLine, printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

type Options = ConnectionOptions & ResultOptions;

interface AddOptions extends Options {
  readonly url: string;
  readonly application: readonly string[];
  readonly tokenFile: string;
  readonly username?: string;
}

export function addGitTokenCommands(server: Command, ctx: CliContext): void {
  const tokens = server
    .command('git-tokens')
    .description('tokens with which hosts fetch from GitHub, GitLab, Bitbucket and other git hosts');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  withFlags(tokens.command('add').argument('<name>').description('keep a token, sealed; one of the name is replaced'))
    .requiredOption('--url <url>', 'git host, account or repository that it is for, as https://gitlab.com/acme')
    .requiredOption(
      '--application <pattern>',
      'application that may use it, * for any characters; may be repeated',
      collect((pattern) => pattern),
    )
    .requiredOption('--token-file <file>', 'file that holds the token and nothing else; - is the standard input')
    .option('--username <name>', 'name that goes before the token; else as GitHub, Bitbucket and GitLab want it')
    .action(async (tokenName: string, options: AddOptions) => {
      const { url, application, username } = options;
      const token = readTokenFile(ctx, options.tokenFile);
      const applications = [...application];
      const userName = username === undefined ? {} : { userName: username };
      const request = { tokenName, url, applications, token, ...userName };
      const made = await connect(ctx, options).client.call('PutGitToken', request);
      printResult(ctx, options, made, [`kept ${made.tokenName} for ${made.url}`]);
    });

  withFlags(tokens.command('list').description('list them, without the tokens')).action(async (options: Options) => {
    const { tokens: records } = await connect(ctx, options).client.call('ListGitTokens', {});
    const header = ['NAME', 'FOR', 'USER NAME', 'APPLICATIONS', 'SINCE (UTC)'];
    const rows = records.map(({ tokenName, url, userName, applications, createTime }) => [
      ...[tokenName, url, userName, applications.join(', '), renderTime(createTime)],
    ]);
    printResult(ctx, options, records, renderTable([header, ...rows]));
  });

  withFlags(tokens.command('remove').argument('<name>').description('forget one')).action(
    async (tokenName: string, options: Options) => {
      await connect(ctx, options).client.call('DeleteGitHubAccountToken', { tokenName });
      printLine(ctx, options, { tokenName }, `removed ${tokenName}`);
    },
  );
}
