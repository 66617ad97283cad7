/**
 * Transactions whose statements need not wait for each other. Kysely sends a statement of a transaction when the one before it has been
 * answered. Here, statements of one `Promise.all` are sent at once, in their order, and the database carries them out one after another. The
 * effect of each is the same, and on PostgreSQL several take one way to the database and back.
 *
 * When one of them fails, the transaction is over, but the callers of the others may not know that yet. Statements that they ask for
 * afterwards are refused. The database would keep them, outside of the transaction.
 */
import { type Dialect, type Kysely, type KyselyProps, Transaction } from 'kysely';
import type { StoreSchema } from './schema.ts';

type InTransaction = <T>(db: Kysely<StoreSchema>, work: (tx: Transaction<StoreSchema>) => Promise<T>) => Promise<T>;

/** @returns a function that runs `work` in such a transaction of `db` */
export function transactionsOn(dialect: Dialect): InTransaction {
  // Kysely wants dialect and driver for every transaction, and uses neither inside of one.
  const parts: Omit<KyselyProps, 'executor'> = { config: { dialect }, dialect, driver: dialect.createDriver() };
  return (db, work) =>
    db.transaction().execute((tx) =>
      tx.getExecutor().provideConnection(async (connection) => {
        let isOver = false;
        const executor = tx.getExecutor().withConnectionProvider({
          provideConnection(use) {
            if (isOver) throw new Error('the transaction is over');
            return use(connection);
          },
        });
        try {
          return await work(new Transaction<StoreSchema>({ ...parts, executor }));
        } finally {
          isOver = true;
        }
      }),
    );
}
