import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isSqliteBusy } from './database-faults.ts';
import type { Durability } from './durability.ts';
import { SqliteBatches, type SqliteTurn } from './sqlite-batches.ts';
import { SqliteHandle } from './sqlite-handle.ts';

/** `immutable`: nobody writes the file meanwhile; then no lock and no companion file is needed, and none is made. */
export type SqliteAccess = 'read-write' | 'read-only' | 'immutable';

/**
 * Kysely on the SQLite that Node carries.
 *
 * Two connections: one writes, and transactions take turns on it (`sqlite-batches`); the other one reads what is committed, for whoever
 * asks outside of a transaction. WAL: what is read holds nobody up, in this process or in others.
 *
 * Trap: who has a turn (a transaction) and writes through the store's `db` waits for himself. Inside a transaction everything goes
 * through `tx`.
 */
export function sqliteDialect(file: string, access: SqliteAccess = 'read-write'): Dialect {
  return dialectOf(new SqliteFile(file, access), 'synced');
}

/** The same database twice: what is written through the second one may be lost in a power cut. The first one must be used first. */
export function sqliteDialects(file: string): { readonly synced: Dialect; readonly lazy: Dialect } {
  const shared = new SqliteFile(file, 'read-write');
  return { synced: dialectOf(shared, 'synced'), lazy: dialectOf(shared, 'lazy') };
}

function dialectOf(shared: SqliteFile, durability: Durability): Dialect {
  return {
    createAdapter: () => new ManyUsersAdapter(),
    createDriver: () => new NodeSqliteDriver(shared, durability),
    createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
    createQueryCompiler: () => new LockFreeCompiler(),
  };
}

/** While the database is opened nothing else is to be done, and another process may be opening it, too. */
const OPENING_WAIT_MS = 5_000;
const OPENING_PAUSE_MS = 20;
/** Sealed secrets are in there, and who may deploy what. */
const FILE_MODE = 0o600;

const ROW_LOCKS: ReadonlySet<string> = new Set([
  'ForUpdate',
  'ForNoKeyUpdate',
  'ForShare',
  'ForKeyShare',
  'SkipLocked',
  'NoWait',
]);

/** SQLite knows no locks of rows and needs none: a transaction here has the whole database to itself. */
class LockFreeCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === undefined || !ROW_LOCKS.has(node.modifier)) super.visitSelectModifier(node);
  }
}

/** The order of users is settled by `SqliteBatches`, not here. */
class ManyUsersAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

interface OpenedFile {
  readonly reader: SqliteHandle;
  /** null: nothing is written. */
  readonly writer: { readonly handle: SqliteHandle; readonly batches: SqliteBatches } | null;
}

/** A database file, opened once for all who use it here. */
class SqliteFile {
  readonly #file: string;
  readonly #access: SqliteAccess;
  #opened: OpenedFile | null = null;
  #isClosed = false;

  constructor(file: string, access: SqliteAccess) {
    this.#file = file;
    this.#access = access;
  }

  open(): void {
    if (!this.#isClosed) this.#opened ??= openFile(this.#file, this.#access);
  }

  /** @throws Error when it is closed */
  get opened(): OpenedFile {
    if (this.#opened === null) throw new Error('the database is closed');
    return this.#opened;
  }

  /** Closes when everybody who asked for a turn before has had it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opened?.writer?.batches.close();
    this.#opened?.reader.close();
    this.#opened?.writer?.handle.close();
    this.#opened = null;
  }
}

function openFile(file: string, access: SqliteAccess): OpenedFile {
  if (access !== 'read-write') return { reader: new SqliteHandle(openToRead(file, access)), writer: null };
  // Made here, since SQLite would make it readable for all; its companion files take their mode from it.
  closeSync(openSync(file, 'a', FILE_MODE));
  const database = new DatabaseSync(file);
  setUp(database);
  const handle = new SqliteHandle(database);
  const reader = new SqliteHandle(openToRead(file, 'read-only'));
  return { reader, writer: { handle, batches: new SqliteBatches(handle) } };
}

/**
 * SQLite does not wait for a lock when two processes could wait for each other, but says at once that the file is busy. That happens when
 * several processes open a new file at once and each wants to give it its kind of journal. So that is tried again here.
 */
function setUp(database: DatabaseSync): void {
  const giveUpAtMs = performance.now() + OPENING_WAIT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  for (;;) {
    try {
      database.exec(`
        PRAGMA busy_timeout = ${OPENING_WAIT_MS};
        PRAGMA journal_mode = WAL;
        PRAGMA foreign_keys = ON;
        PRAGMA busy_timeout = 0;
      `);
      return;
    } catch (error) {
      if (isSqliteBusy(error) && performance.now() < giveUpAtMs) {
        Atomics.wait(pause, 0, 0, OPENING_PAUSE_MS);
        continue;
      }
      database.close();
      throw error;
    }
  }
}

function openToRead(file: string, access: Exclude<SqliteAccess, 'read-write'>): DatabaseSync {
  const url = pathToFileURL(file);
  if (access === 'immutable') url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true, timeout: OPENING_WAIT_MS });
}

class NodeSqliteDriver implements Driver {
  readonly #shared: SqliteFile;
  readonly #durability: Durability;

  constructor(shared: SqliteFile, durability: Durability) {
    this.#shared = shared;
    this.#durability = durability;
  }

  async init(): Promise<void> {
    this.#shared.open();
  }

  async acquireConnection(): Promise<SqliteUser> {
    return new SqliteUser(this.#shared.opened, this.#durability);
  }

  async releaseConnection(): Promise<void> {}

  beginTransaction(user: SqliteUser): Promise<void> {
    return user.begin();
  }

  commitTransaction(user: SqliteUser): Promise<void> {
    return user.commit();
  }

  rollbackTransaction(user: SqliteUser): Promise<void> {
    return user.rollBack();
  }

  destroy(): Promise<void> {
    return this.#shared.close();
  }
}

/** Connection of one transaction, or of one statement outside of any. */
class SqliteUser implements DatabaseConnection {
  readonly #opened: OpenedFile;
  readonly #durability: Durability;
  #turn: SqliteTurn | null = null;

  constructor(opened: OpenedFile, durability: Durability) {
    this.#opened = opened;
    this.#durability = durability;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { reader, writer } = this.#opened;
    if (this.#turn !== null) return this.#turn.execute<Row>(query);
    if (writer === null || /^select\b/.test(query.sql)) return reader.execute<Row>(query);
    const turn = await writer.batches.take(this.#durability);
    this.#turn = turn;
    try {
      const result = await turn.execute<Row>(query);
      await this.commit();
      return result;
    } catch (error) {
      await this.rollBack();
      throw error;
    } finally {
      this.#turn = null;
    }
  }

  async begin(): Promise<void> {
    const { writer } = this.#opened;
    if (writer === null) throw new Error('the database was opened to be read only');
    this.#turn = await writer.batches.take(this.#durability);
  }

  async commit(): Promise<void> {
    await this.#turn?.commit();
  }

  async rollBack(): Promise<void> {
    await this.#turn?.rollBack();
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }
}
