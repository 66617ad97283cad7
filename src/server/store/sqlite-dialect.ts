import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  CompiledQuery,
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
import { databaseAway, isSqliteAway, isSqliteBusy } from './database-faults.ts';

/** `immutable`: nobody writes the file meanwhile; then no lock and no companion file is needed, and none is made. */
export type SqliteAccess = 'read-write' | 'read-only' | 'immutable';

/**
 * Kysely on the SQLite that Node carries.
 *
 * One connection, handed to one user at a time: SQLite has a single writer, so a transaction waits for the one before it here
 * instead of failing with "busy" there. WAL and synchronous FULL: what was committed survives a power cut, and readers in other
 * processes are not held up.
 *
 * Trap: who holds the connection (a transaction) and asks the store for another one waits for himself. Inside a transaction
 * everything goes through `tx`.
 */
export function sqliteDialect(file: string, access: SqliteAccess = 'read-write'): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new NodeSqliteDriver(file, access),
    createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
    createQueryCompiler: () => new LockFreeCompiler(),
  };
}

/**
 * Another process (`slipway keys create`) may be writing; it holds the right to write for milliseconds. SQLite's own way to wait
 * would hold up this whole process, so it waits here.
 */
const BUSY_WAIT_MS = 5_000;
const BUSY_RETRY_MS = 20;
/** While the database is opened nothing else is to be done, and another process may be opening it, too. */
const OPENING_WAIT_MS = 5_000;
/** Statements kept prepared. The server's own texts are about a hundred; lists of changing length make more. */
const KEPT_STATEMENTS = 256;
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

class NodeSqliteDriver implements Driver {
  readonly #file: string;
  readonly #access: SqliteAccess;
  #connection: NodeSqliteConnection | null = null;
  /** Resolves when the last one in the queue lets go. */
  #lastUser: Promise<void> = Promise.resolve();
  #letGo: () => void = () => undefined;

  constructor(file: string, access: SqliteAccess) {
    this.#file = file;
    this.#access = access;
  }

  async init(): Promise<void> {
    if (this.#access !== 'read-write') {
      this.#connection = new NodeSqliteConnection(openToRead(this.#file, this.#access));
      return;
    }
    // Made here, since SQLite would make it readable for all; its companion files take their mode from it.
    closeSync(openSync(this.#file, 'a', FILE_MODE));
    const database = new DatabaseSync(this.#file);
    database.exec(`
      PRAGMA busy_timeout = ${OPENING_WAIT_MS};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
    `);
    database.exec('PRAGMA busy_timeout = 0');
    this.#connection = new NodeSqliteConnection(database);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#lastUser;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastUser = promise;
    await before;
    if (this.#connection === null) {
      resolve();
      throw new Error('the database is closed');
    }
    this.#letGo = resolve;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#letGo();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // IMMEDIATE: the right to write is taken at once, or waited for; a transaction never fails in its middle for lack of it.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // After a full disk or a disk's fault SQLite may have rolled back by itself.
    if (this.#connection?.isInTransaction !== false) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  /** Closes when everybody who asked for the connection before has had it. */
  async destroy(): Promise<void> {
    await this.#lastUser;
    this.#connection?.close();
    this.#connection = null;
  }
}

function openToRead(file: string, access: Exclude<SqliteAccess, 'read-write'>): DatabaseSync {
  const url = pathToFileURL(file);
  if (access === 'immutable') url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true, timeout: OPENING_WAIT_MS });
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  /** By text, the most recently used last. */
  readonly #statements = new Map<string, StatementSync>();

  /** Since when another process has held the lock; null: it does not. */
  #busySinceMs: number | null = null;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /**
   * @throws SlipwayError SERVER_DATABASE_AWAY when another process holds the lock for too long, the disk is full, or it fails. After
   * one statement has waited in vain, those behind it fail at once until the lock is free
   */
  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    for (;;) {
      try {
        const result = this.#execute<Row>(query);
        // Reads never wait for the lock and say nothing about it.
        if (!/^select\b/.test(query.sql)) this.#busySinceMs = null;
        return result;
      } catch (error) {
        if (!isSqliteAway(error)) throw error;
        if (!isSqliteBusy(error)) throw databaseAway(error);
        this.#busySinceMs ??= performance.now();
        if (performance.now() - this.#busySinceMs > BUSY_WAIT_MS) throw databaseAway(error);
        await delay(BUSY_RETRY_MS);
      }
    }
  }

  #execute<Row>(query: CompiledQuery): QueryResult<Row> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    if (statement.columns().length > 0) return { rows: statement.all(...parameters) as Row[] };
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#database.prepare(text);
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    if (this.#statements.size > KEPT_STATEMENTS) {
      const [oldest = ''] = this.#statements.keys();
      this.#statements.delete(oldest);
    }
    return statement;
  }
}
