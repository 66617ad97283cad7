import { type Command, InvalidArgumentError } from 'commander';
import type { EnrolmentTokenRecord, ManagementOperations } from '../../protocol/management/shapes.ts';
import { shellCommand, shellWord } from '../../system/shell-word.ts';
import { collect, parseTag, type Tag } from '../arguments.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { collectPages } from '../paging.ts';
import { printLine, printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';

type Options = ConnectionOptions & ResultOptions;

interface CreateOptions extends Options {
  readonly tag?: readonly Tag[];
  readonly uses?: number;
  readonly expiresIn?: number;
  readonly instanceName?: string;
  readonly takeOver?: boolean;
  readonly description?: string;
}

export function addTokenCommands(server: Command, ctx: CliContext): void {
  const tokens = server.command('tokens').description('tokens that hosts enrol with, in place of a key');
  const withFlags = (command: Command) => addConnectionOptions(command).option('--json', 'as JSON');

  withFlags(tokens.command('create').description('make a token for slipway register; it is shown once'))
    .option('--tag <key=value>', 'tag that its hosts get; may be repeated', collect(parseTag))
    .option('--uses <count>', 'how many hosts may enrol with it; else 1', parseCount)
    .option('--expires-in <time>', 'for how long, as 30m, 12h or 7d; else an hour', parseLifetime)
    .option('--instance-name <pattern>', 'name that its hosts must have, * for any characters; else any')
    .option('--take-over', 'let it take over a host of such a name that is registered already')
    .option('--description <text>', 'who has it and what for')
    .action(async (options: CreateOptions) => {
      const { tag: tags, uses, expiresIn: lifetimeSeconds, instanceName, takeOver, description } = options;
      const { client, endpoint } = connect(ctx, options);
      const made = await client.call('CreateEnrolmentToken', {
        ...(tags === undefined ? {} : { tags }),
        ...(uses === undefined ? {} : { uses }),
        ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
        ...(instanceName === undefined ? {} : { instanceName }),
        ...(takeOver === undefined ? {} : { takeOver }),
        ...(description === undefined ? {} : { description }),
      });
      const lines = [
        `token ${made.tokenId}, good for ${made.uses} ${made.uses === 1 ? 'host' : 'hosts'} until ${renderTime(made.expireTime)} UTC`,
        // By `echo`, which shells have built in: the arguments of programs are seen by everybody on the host.
        'on the host, as root:',
        `echo ${shellWord(made.token)} | ${shellCommand('slipway', 'register', '--server', endpoint, '--token-file', '-')}`,
      ];
      printResult(ctx, options, made, lines);
    });

  withFlags(tokens.command('list').description('list tokens, without their secrets')).action(
    async (options: Options) => {
      const { client } = connect(ctx, options);
      const records = await collectPages(
        (nextToken) => client.call('ListEnrolmentTokens', nextToken === undefined ? {} : { nextToken }),
        (page: ManagementOperations['ListEnrolmentTokens']['output']) => page.tokens,
      );
      const header = ['TOKEN', 'STATE', 'USES LEFT', 'ENDS (UTC)', 'HOSTS', 'TAGS', 'FOR'];
      const rows = records.map((record) => rowOf(record, ctx.clock.now()));
      printResult(ctx, options, records, renderTable([header, ...rows]));
    },
  );

  withFlags(tokens.command('revoke').argument('<token-id>').description('refuse a token from now on')).action(
    async (tokenId: string, options: Options) => {
      await connect(ctx, options).client.call('RevokeEnrolmentToken', { tokenId });
      printLine(ctx, options, { tokenId }, `revoked ${tokenId}`);
    },
  );
}

function rowOf(token: EnrolmentTokenRecord, nowMs: number): readonly string[] {
  const { tokenId, usesLeft, uses, expireTime, instanceName = 'any', takeOver, tags, description } = token;
  const names = takeOver ? `${instanceName}, also registered` : instanceName;
  const shownTags = tags.map(({ Key, Value }) => `${Key}=${Value}`).join(', ');
  return [
    tokenId,
    stateOf(token, nowMs),
    `${usesLeft}/${uses}`,
    renderTime(expireTime),
    names,
    shownTags || '-',
    description,
  ];
}

function stateOf({ revokeTime, expireTime, usesLeft }: EnrolmentTokenRecord, nowMs: number): string {
  if (revokeTime !== undefined) return 'revoked';
  if (expireTime * 1000 <= nowMs) return 'ended';
  return usesLeft === 0 ? 'used up' : 'open';
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`'${text}' is no number of hosts`);
}

const SECONDS = { m: 60, h: 60 * 60, d: 24 * 60 * 60 } as const;

function parseLifetime(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * SECONDS[unit as keyof typeof SECONDS];
  throw new InvalidArgumentError(`'${text}' is no time such as 30m, 12h or 7d`);
}
