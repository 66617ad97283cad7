/** Access keys, on the machine where the server keeps its data or over its API: the same answers either way. */
import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { KeyScope } from '../protocol/management/key-scope.ts';
import type { AccessRole, ManagementOperations } from '../protocol/management/shapes.ts';
import { type ConnectionOptions, connect, endpointOf } from './connection.ts';
import type { CliContext } from './context.ts';
import { collectPages } from './paging.ts';

export interface KeyAccessOptions extends ConnectionOptions {
  readonly dataDir: string;
  readonly database?: string;
}

export interface KeyRequest {
  readonly role: AccessRole;
  readonly hostArn: string | null;
  readonly instanceName: string | null;
  /** null: the key is not limited to some applications. */
  readonly scope: KeyScope | null;
  readonly description: string;
}

export interface KeyRecord {
  readonly accessKeyId: string;
  readonly role: AccessRole;
  readonly hostArn: string | null;
  readonly scope: KeyScope | null;
  readonly description: string;
  readonly createdAtMs: number;
  readonly disabled: boolean;
  /** The OpenID Connect provider of a person. */
  readonly issuer?: string;
}

export interface KeyAccess {
  create(request: KeyRequest): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;
  list(): Promise<readonly KeyRecord[]>;
  disable(accessKeyId: string): Promise<void>;
  enable(accessKeyId: string): Promise<void>;
}

/**
 * Whether the keys are reached over the API, as `--endpoint-url` demands. Without it a named data folder or database comes first, then the
 * usual data folder of this machine, then the server that the environment names.
 *
 * @throws SlipwayError CLI_BAD_ARGUMENT when both a server and a data folder or database are given as flags
 */
export function isOverApi(ctx: CliContext, command: Command, options: KeyAccessOptions): boolean {
  const sources = ['dataDir', 'database'].map((name) => command.getOptionValueSource(name));
  if (options.endpointUrl !== undefined) {
    if (!sources.includes('cli')) return true;
    throw new SlipwayError(
      'CLI_BAD_ARGUMENT',
      '--endpoint-url is another way to the keys than --data-dir and --database',
      { remedy: 'Give --endpoint-url from anywhere, or --data-dir on the server’s own machine.' },
    );
  }
  if (sources.some((source) => source === 'cli' || source === 'env')) return false;
  return !existsSync(options.dataDir) && (endpointOf(ctx, options) ?? '') !== '';
}

/** @param mayBeNew whether the first key of a server that has never run may be made */
export async function withKeys<T>(
  ctx: CliContext,
  command: Command,
  options: KeyAccessOptions,
  mayBeNew: boolean,
  work: (keys: KeyAccess) => Promise<T>,
): Promise<T> {
  return isOverApi(ctx, command, options)
    ? work(keysOverApi(ctx, options))
    : withKeysOfFolder(ctx, options, mayBeNew, work);
}

function keysOverApi(ctx: CliContext, options: KeyAccessOptions): KeyAccess {
  const { client } = connect(ctx, options);
  type Page = ManagementOperations['ListAccessKeys']['output'];
  return {
    create: ({ role, hostArn, instanceName, scope, description }) =>
      client.call('CreateAccessKey', {
        role,
        description,
        ...(hostArn === null ? {} : { hostArn }),
        ...(instanceName === null ? {} : { instanceName }),
        ...(scope === null ? {} : { scope }),
      }),
    async list() {
      const records = await collectPages(
        (nextToken) => client.call('ListAccessKeys', nextToken === undefined ? {} : { nextToken }),
        (page: Page) => page.accessKeys,
      );
      return records.map(({ createTime, hostArn = null, scope = null, ...rest }) => ({
        ...{ ...rest, hostArn, scope },
        createdAtMs: createTime * 1000,
      }));
    },
    async disable(accessKeyId) {
      await client.call('DisableAccessKey', { accessKeyId });
    },
    async enable(accessKeyId) {
      await client.call('EnableAccessKey', { accessKeyId });
    },
  };
}

async function withKeysOfFolder<T>(
  ctx: CliContext,
  options: KeyAccessOptions,
  mayBeNew: boolean,
  work: (keys: KeyAccess) => Promise<T>,
): Promise<T> {
  becomeOwnerOf(options.dataDir);
  const { openKeyStore } = await import('../server/secrets/key-store.ts');
  const store = await openKeyStore({
    dataDir: options.dataDir,
    ...(options.database === undefined ? {} : { databaseUrl: options.database }),
    mayBeNew,
    clock: ctx.clock,
    random: ctx.random,
  });
  /** Work that needs no master key goes on without the right one, but with a warning. */
  const warnOfMasterKey = async () => {
    const problem = await store.problem();
    if (problem !== null) ctx.stderr.write(`slipway: warning: ${problem}\n`);
  };
  try {
    return await work({
      async create({ instanceName, ...key }) {
        if (instanceName === null) return store.create(key);
        throw new SlipwayError(
          'CLI_BAD_ARGUMENT',
          '--instance-name needs the server, which makes the identifier of it',
          {
            remedy: 'Add --endpoint-url, or give --host-arn.',
          },
        );
      },
      async list() {
        await warnOfMasterKey();
        return store.list();
      },
      async disable(accessKeyId) {
        await warnOfMasterKey();
        await store.disable(accessKeyId);
      },
      async enable(accessKeyId) {
        await warnOfMasterKey();
        await store.enable(accessKeyId);
      },
    });
  } finally {
    await store.close();
  }
}

/**
 * Gives up root's rights in favour of the folder's owner. A database file made by root would lock the server, which runs as that owner, out
 * of its own data.
 */
export function becomeOwnerOf(dataDir: string): void {
  if (process.getuid?.() !== 0 || !existsSync(dataDir)) return;
  const { uid, gid } = statSync(dataDir);
  if (uid === 0) return;
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}
