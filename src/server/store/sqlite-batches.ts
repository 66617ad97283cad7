/**
 * Group commit for SQLite: transactions that come together share one commit, because a commit waits for the disk and holds up the whole
 * process meanwhile.
 *
 * SQLite has one writer, so transactions take turns. Each is a savepoint in a batch, which is the transaction that SQLite knows. When a
 * turn is over, the next one goes on in the same batch. The batch is committed when nobody has come for one turn of the event loop, or when
 * it is old. Only then do its members learn that they are committed.
 *
 * A member that fails rolls back to its own savepoint and spoils no other. In three cases all members of the batch fail, and nothing of any
 * of them is kept. The commit itself fails; a savepoint cannot be rolled back; SQLite has rolled everything back by itself (a full disk, an
 * I/O error). A member may swallow that error and go on; outside of a transaction SQLite would keep each further statement at once, so
 * these are refused.
 *
 * A later member of a batch sees changes that are not committed yet, but it can answer nobody before they are. That holds for refusals,
 * too: a member that has rolled back waits for the others. Readers outside of transactions have a connection of their own
 * (`sqlite-dialect`) and see only what is committed.
 */
import { setImmediate } from 'node:timers/promises';
import type { CompiledQuery, QueryResult } from 'kysely';
import { isSlipwayError } from '../../errors.ts';
import { databaseAway } from './database-faults.ts';
import type { Durability } from './durability.ts';
import type { SqliteHandle } from './sqlite-handle.ts';

type Writer = Pick<SqliteHandle, 'run' | 'execute' | 'isInTransaction'>;

/** A batch takes no new members after this; the first of them has waited for long enough. Milliseconds. */
const BATCH_MS = 8;
const ROLLED_BACK = 'SQLite has rolled the transaction back';

/** One transaction's time with the writing connection. It must end by `commit` or `rollBack`. */
export interface SqliteTurn {
  /** Runs a statement of the transaction. @throws as `SqliteHandle.execute`; SERVER_DATABASE_AWAY after SQLite has ended the transaction */
  execute<Row>(query: Pick<CompiledQuery, 'sql' | 'parameters'>): Promise<QueryResult<Row>>;
  /** Resolves when the disk has what was written. @throws SlipwayError SERVER_DATABASE_AWAY when nothing of it was kept */
  commit(): Promise<void>;
  /** Resolves when the disk has what others have written that it may have failed for. @throws as `commit` does when that was not kept */
  rollBack(): Promise<void>;
}

interface Batch {
  readonly durability: Durability;
  readonly begunAtMs: number;
  readonly over: PromiseWithResolvers<void>;
}

interface Waiting {
  readonly durability: Durability;
  readonly enter: () => void;
}

export class SqliteBatches {
  readonly #writer: Writer;
  #queue: Waiting[] = [];
  #batch: Batch | null = null;
  /** Somebody has a turn, or a batch is being committed. */
  #isTaken = false;
  #durability: Durability | null = null;
  #isClosed = false;
  /** Resolves when nobody has a turn or waits for one. */
  #idle = Promise.withResolvers<void>();

  constructor(writer: Writer) {
    this.#writer = writer;
    this.#idle.resolve();
  }

  /** Waits for a turn, and begins a transaction. @throws SlipwayError SERVER_DATABASE_AWAY; Error when it is closed */
  async take(durability: Durability): Promise<SqliteTurn> {
    if (this.#isClosed) throw new Error('the database is closed');
    if (this.#isTaken || this.#batch !== null || this.#queue.length > 0) {
      await new Promise<void>((enter) => {
        this.#queue.push({ durability, enter });
        this.#passOn();
      });
    } else {
      this.#isTaken = true;
      this.#idle = Promise.withResolvers();
    }
    try {
      this.#batch ??= await this.#begin(durability);
      await this.#writer.run('savepoint member');
      return this.#turnIn(this.#batch);
    } catch (error) {
      if (this.#batch !== null && !this.#writer.isInTransaction) await this.#fail(this.#batch, error);
      this.#letGo();
      throw error;
    }
  }

  /** Gives no turns any more. Resolves when those that were asked for before are over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#idle.promise;
  }

  async #begin(first: Durability): Promise<Batch> {
    // A batch was given up, and the disk took not even that. Nothing of it may go along with the next one.
    if (this.#writer.isInTransaction) await this.#writer.run('rollback');
    // Those that may be lost lose nothing by being kept, so they go along with others.
    const isSynced = first === 'synced' || this.#queue.some(({ durability }) => durability === 'synced');
    const durability: Durability = isSynced ? 'synced' : 'lazy';
    if (durability !== this.#durability) {
      await this.#writer.run(`pragma synchronous = ${durability === 'synced' ? 'full' : 'normal'}`);
      this.#durability = durability;
    }
    // IMMEDIATE: the right to write is taken at once, or waited for; a transaction never fails in its middle for lack of it.
    await this.#writer.run('begin immediate');
    const over = Promise.withResolvers<void>();
    // A batch whose members have all failed has nobody who listens.
    over.promise.catch(() => undefined);
    return { durability, begunAtMs: performance.now(), over };
  }

  #turnIn(batch: Batch): SqliteTurn {
    let isOver = false;
    return {
      execute: (query) => {
        this.#requireTransaction();
        return this.#writer.execute(query);
      },
      commit: async () => {
        this.#requireTransaction();
        await this.#writer.run('release member');
        isOver = true;
        this.#letGo();
        await batch.over.promise;
      },
      rollBack: async () => {
        if (isOver) return;
        isOver = true;
        const isUndone = await this.#undo(batch);
        this.#letGo();
        if (isUndone) await batch.over.promise;
      },
    };
  }

  #requireTransaction(): void {
    if (!this.#writer.isInTransaction) throw databaseAway(new Error(ROLLED_BACK));
  }

  /** Undoes what the member has done. @returns whether the others of the batch may go on; else the batch has failed */
  async #undo(batch: Batch): Promise<boolean> {
    try {
      this.#requireTransaction();
      await this.#writer.run('rollback to member');
      await this.#writer.run('release member');
      return true;
    } catch (error) {
      await this.#fail(batch, error);
      return false;
    }
  }

  /** Ends a batch of which nothing is kept. Its members learn of it, and the next one to come begins another batch. */
  async #fail(batch: Batch, cause: unknown): Promise<void> {
    if (this.#writer.isInTransaction) await this.#writer.run('rollback').catch(() => undefined);
    this.#batch = null;
    batch.over.reject(isSlipwayError(cause, 'SERVER_DATABASE_AWAY') ? cause : databaseAway(cause));
  }

  #letGo(): void {
    this.#isTaken = false;
    this.#passOn();
  }

  /** Gives the turn to the next one, or ends the batch. */
  #passOn(): void {
    if (this.#isTaken) return;
    const batch = this.#batch;
    const isOpen = batch === null || performance.now() - batch.begunAtMs < BATCH_MS;
    // A batch that may be lost takes in nobody who must not be.
    const next =
      isOpen && (batch?.durability !== 'lazy' || this.#queue[0]?.durability === 'lazy')
        ? this.#queue.shift()
        : undefined;
    if (next !== undefined) {
      this.#isTaken = true;
      next.enter();
    } else if (batch === null) this.#idle.resolve();
    else if (this.#queue.length > 0 || batch.durability === 'lazy') void this.#end(batch);
    else void this.#endAfterTurn(batch);
  }

  async #endAfterTurn(batch: Batch): Promise<void> {
    await setImmediate();
    if (this.#batch === batch && !this.#isTaken && this.#queue.length === 0) await this.#end(batch);
  }

  async #end(batch: Batch): Promise<void> {
    this.#isTaken = true;
    try {
      await this.#writer.run('commit');
      this.#batch = null;
      batch.over.resolve();
    } catch (error) {
      await this.#fail(batch, error);
    }
    this.#letGo();
  }
}
