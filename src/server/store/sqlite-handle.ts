import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledQuery, QueryResult } from 'kysely';
import { databaseAway, isSqliteAway, isSqliteBusy } from './database-faults.ts';

/**
 * Another process (`slipway keys create`) may be writing; it holds the right to write for milliseconds. SQLite's own way to wait
 * would hold up this whole process, so it waits here.
 */
const BUSY_WAIT_MS = 5_000;
const BUSY_RETRY_MS = 20;
/** Statements kept prepared. The server's own texts are about a hundred; lists of changing length make more. */
const KEPT_STATEMENTS = 256;

/** One connection of SQLite: statements are prepared once, and a lock of another process is waited for. */
export class SqliteHandle {
  readonly #database: DatabaseSync;
  /** Statements by text, the most recently used last. */
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
  async execute<Row>(query: Pick<CompiledQuery, 'sql' | 'parameters'>): Promise<QueryResult<Row>> {
    for (;;) {
      try {
        const result = this.#execute<Row>(query);
        // Reads and settings never wait for the lock and say nothing about it.
        if (!/^(select|pragma)\b/.test(query.sql)) this.#busySinceMs = null;
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

  /** A statement without values and without rows. @throws as `execute` does */
  async run(sql: string): Promise<void> {
    await this.execute({ sql, parameters: [] });
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #execute<Row>(query: Pick<CompiledQuery, 'sql' | 'parameters'>): QueryResult<Row> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    if (statement.columns().length > 0) return { rows: statement.all(...parameters) as Row[] };
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
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
