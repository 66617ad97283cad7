import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import { describeScope, type KeyScope, problemOfScope } from '../../protocol/management/key-scope.ts';
import type { AccessRole } from '../../protocol/management/shapes.ts';
import { shellWord } from '../../system/shell-word.ts';
import { collect, parseFolder, parseTag, type Tag } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions } from '../connection.ts';
import { type KeyAccessOptions, withKeys } from '../key-access.ts';
import { DEFAULT_DATA_DIR } from '../server-options.ts';
import { printLine, printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

type Options = KeyAccessOptions & ResultOptions;

interface CreateOptions extends Options {
  readonly role: AccessRole;
  readonly hostArn?: string;
  readonly instanceName?: string;
  readonly description?: string;
  readonly application?: readonly string[];
  readonly group?: readonly string[];
  readonly hostTag?: readonly Tag[];
}

export const addKeysCommand: AddCommand = (program, ctx) => {
  const keys = program
    .command('keys')
    .description('access keys, on the machine where the server keeps its data or over its API');

  addAccessOptions(keys.command('create').description('make an access key; its secret is shown once'))
    .addOption(
      new Option('--role <role>', 'what the key may do')
        .choices(['admin', 'operator', 'viewer', 'host', 'hook'])
        .makeOptionMandatory(),
    )
    .option('--host-arn <arn>', 'for role host: the host identifier (IAM user ARN) that the key speaks for')
    .option('--instance-name <name>', 'for role host, over the API: the host’s name, of which the server makes its ARN')
    .option(
      '--application <pattern>',
      'limit the key to applications of this name, * for any characters; may be repeated',
      collect((pattern) => pattern),
    )
    .option(
      '--group <application/group>',
      'limit it to deployment groups, each part a pattern, as shop-*/staging; may be repeated',
      collect((pattern) => pattern),
    )
    .option(
      '--host-tag <key=value>',
      'tag of hosts that the limited key may give to groups, else it cannot choose hosts; may be repeated',
      collect(parseTag),
    )
    .option('--description <text>', 'who has it and what for')
    .action(async (options: CreateOptions, command: Command) => {
      const { role, hostArn = null, instanceName = null, description = '' } = options;
      checkHost(role, hostArn, instanceName);
      const scope = scopeOf(role, options);
      const request = { role, hostArn, instanceName, scope, description };
      const key = await withKeys(ctx, command, options, true, (access) => access.create(request));
      const lines = [
        `export AWS_ACCESS_KEY_ID=${shellWord(key.accessKeyId)}`,
        `export AWS_SECRET_ACCESS_KEY=${shellWord(key.secretAccessKey)}`,
      ];
      printResult(ctx, options, { role, ...(scope === null ? {} : { scope }), ...key }, lines);
    });

  addAccessOptions(keys.command('list').description('list all keys, without their secrets')).action(
    async (options: Options, command: Command) => {
      const records = await withKeys(ctx, command, options, false, (access) => access.list());
      const rows = records.map((key) => [
        key.accessKeyId,
        key.role,
        key.disabled ? 'disabled' : 'active',
        renderTime(key.createdAtMs / 1000),
        key.scope === null ? '-' : describeScope(key.scope),
        key.hostArn ?? key.description,
      ]);
      const header = ['KEY', 'ROLE', 'STATE', 'CREATED (UTC)', 'LIMITED TO', 'FOR'];
      printResult(ctx, options, records, renderTable([header, ...rows]));
    },
  );

  addAccessOptions(keys.command('disable').argument('<access-key-id>').description('refuse a key from now on')).action(
    async (accessKeyId: string, options: Options, command: Command) => {
      await withKeys(ctx, command, options, false, (access) => access.disable(accessKeyId));
      printLine(ctx, options, { accessKeyId }, `disabled ${accessKeyId}`);
    },
  );

  addAccessOptions(
    keys
      .command('enable')
      .argument('<access-key-id>')
      .description('take a disabled key of people again, or let in a person of a provider'),
  ).action(async (accessKeyId: string, options: Options, command: Command) => {
    await withKeys(ctx, command, options, false, (access) => access.enable(accessKeyId));
    printLine(ctx, options, { accessKeyId }, `enabled ${accessKeyId}`);
  });
};

/** @throws SlipwayError CLI_BAD_ARGUMENT unless a key of a host, and no other, says whose it is, once */
function checkHost(role: AccessRole, hostArn: string | null, instanceName: string | null): void {
  const given = [hostArn, instanceName].filter((one) => one !== null).length;
  if (given === (role === 'host' ? 1 : 0)) return;
  throw new SlipwayError('CLI_BAD_ARGUMENT', '--host-arn goes with --role host, and only with it', {
    remedy: 'For a host give --host-arn, or --instance-name over the API; leave both out for people.',
  });
}

/** @returns null: the key is not to be limited @throws SlipwayError CLI_BAD_ARGUMENT */
function scopeOf(role: AccessRole, { application = [], group = [], hostTag = [] }: CreateOptions): KeyScope | null {
  if (application.length + group.length + hostTag.length === 0) return null;
  const scope = { applications: application, groups: group, hostTags: hostTag };
  const problem = problemOfScope(scope, role);
  if (problem === null) return scope;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `the key cannot be limited so: ${problem}`, {
    remedy: "Limit operators, viewers and hooks, by --application 'shop-*' or --group 'shop-*/staging'.",
  });
}

function addAccessOptions(command: Command): Command {
  return addConnectionOptions(command)
    .addOption(
      new Option('--data-dir <dir>', 'the server’s data folder')
        .env('SLIPWAY_DATA_DIR')
        .argParser(parseFolder)
        .default(DEFAULT_DATA_DIR),
    )
    .addOption(
      new Option('--database <url>', 'the server’s PostgreSQL database, if it has one').env('SLIPWAY_DATABASE'),
    )
    .option('--json', 'as JSON');
}
