import { existsSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import type { Role } from '../../server/store/schema.ts';
import { shellWord } from '../../system/shell-word.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { printLine } from '../view/result.ts';
import { renderTable } from '../view/table.ts';
import { renderTime } from '../view/time.ts';
import { DEFAULT_DATA_DIR } from './server.ts';

interface StoreOptions {
  readonly dataDir: string;
  readonly database?: string;
  readonly json?: boolean;
}

interface CreateOptions extends StoreOptions {
  readonly role: Role;
  readonly hostArn?: string;
  readonly description?: string;
}

export const addKeysCommand: AddCommand = (program, ctx) => {
  const keys = program.command('keys').description('access keys, made on the machine where the server keeps its data');

  addStoreOptions(keys.command('create').description('make an access key; its secret is shown once'))
    .addOption(
      new Option('--role <role>', 'what the key may do')
        .choices(['admin', 'operator', 'viewer', 'host'])
        .makeOptionMandatory(),
    )
    .option('--host-arn <arn>', 'for role host: the host identifier (IAM user ARN) that the key speaks for')
    .option('--description <text>', 'who has it and what for')
    .action(async (options: CreateOptions) => {
      if ((options.role === 'host') !== (options.hostArn !== undefined)) {
        throw new SlipwayError('CLI_BAD_ARGUMENT', '--host-arn goes with --role host, and only with it');
      }
      const key = await withKeyStore(ctx, options, true, (store) =>
        store.create({ role: options.role, hostArn: options.hostArn ?? null, description: options.description ?? '' }),
      );
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify({ role: options.role, ...key })}\n`);
        return;
      }
      ctx.stdout.writeLines([
        `export AWS_ACCESS_KEY_ID=${shellWord(key.accessKeyId)}`,
        `export AWS_SECRET_ACCESS_KEY=${shellWord(key.secretAccessKey)}`,
      ]);
    });

  addStoreOptions(keys.command('list').description('list all keys, without their secrets')).action(
    async (options: StoreOptions) => {
      const records = await withKeyStore(ctx, options, false, async (store) => {
        await warnOfMasterKey(ctx, store);
        return store.list();
      });
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify(records)}\n`);
        return;
      }
      const rows = records.map((key) => [
        key.accessKeyId,
        key.role,
        key.disabled ? 'disabled' : 'active',
        renderTime(key.createdAtMs / 1000),
        key.hostArn ?? key.description,
      ]);
      ctx.stdout.writeLines(renderTable([['KEY', 'ROLE', 'STATE', 'CREATED (UTC)', 'FOR'], ...rows]));
    },
  );

  addStoreOptions(keys.command('disable').argument('<access-key-id>').description('refuse a key from now on')).action(
    async (accessKeyId: string, options: StoreOptions) => {
      await withKeyStore(ctx, options, false, async (store) => {
        await warnOfMasterKey(ctx, store);
        await store.disable(accessKeyId);
      });
      printLine(ctx, options, { accessKeyId }, `disabled ${accessKeyId}`);
    },
  );
};

function addStoreOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--data-dir <dir>', 'the server’s data folder').env('SLIPWAY_DATA_DIR').default(DEFAULT_DATA_DIR),
    )
    .addOption(
      new Option('--database <url>', 'the server’s PostgreSQL database, if it has one').env('SLIPWAY_DATABASE'),
    )
    .option('--json', 'as JSON');
}

type KeyStore = Awaited<ReturnType<typeof import('../../server/keys.ts').openKeyStore>>;

/** What needs no master key is done without the right one, but not without a word. */
async function warnOfMasterKey(ctx: CliContext, store: KeyStore): Promise<void> {
  const problem = await store.problem();
  if (problem !== null) ctx.stderr.write(`slipway: warning: ${problem}\n`);
}

/** @param mayBeNew whether the first key of a server that has never run may be made */
async function withKeyStore<T>(
  ctx: CliContext,
  options: StoreOptions,
  mayBeNew: boolean,
  work: (store: KeyStore) => Promise<T>,
): Promise<T> {
  becomeOwnerOf(options.dataDir);
  const { openKeyStore } = await import('../../server/keys.ts');
  const store = await openKeyStore({
    dataDir: options.dataDir,
    ...(options.database === undefined ? {} : { databaseUrl: options.database }),
    mayBeNew,
    clock: ctx.clock,
    random: ctx.random,
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * Root gives up its rights in favour of the folder's owner: a database file made by root would lock the server, which runs as
 * that owner, out of its own data.
 */
function becomeOwnerOf(dataDir: string): void {
  if (process.getuid?.() !== 0 || !existsSync(dataDir)) return;
  const { uid, gid } = statSync(dataDir);
  if (uid === 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
