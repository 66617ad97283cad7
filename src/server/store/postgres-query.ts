/**
 * Statements on their way to PostgreSQL. The driver has PostgreSQL describe the columns of each result, and a description takes longer to
 * write and to read than most results. For a statement with a name it is asked for once per connection and remembered. It stays true:
 * PostgreSQL refuses a statement that has a plan once its columns would be others.
 *
 * This knows parts of the driver's queries that are not documented. The program that users get has the driver in it, in the version that the
 * tests run with.
 */
import type { PoolClient, QueryResult, Query as QueryType } from 'pg';

/** @returns what the statement results in; rejects as a query of the driver does */
export type Ask = (client: PoolClient, sql: string, values: readonly unknown[], name?: string) => Promise<QueryResult>;

interface DriverQuery {
  readonly values: readonly unknown[];
  name?: string | undefined;
  callback: (error: Error | null, result: QueryResult) => void;
  _result: Columns;
  /** Whether rows are kept. */
  _accumulateRows: boolean;
  prepare(connection: DriverConnection): void;
  handleCommandComplete(message: object, connection: DriverConnection): void;
}

/** What a result knows of its columns. */
interface Columns {
  fields: unknown;
  _parsers: unknown;
  _prebuiltEmptyResultObject: unknown;
}

interface DriverConnection {
  bind(message: object): void;
  execute(message: object): void;
  sync(): void;
}

/** @param Query the driver's */
export function createAsk(Query: typeof QueryType): Ask {
  /** By the names of the statements. */
  const known = new WeakMap<DriverConnection, Map<string, Columns>>();

  class Statement extends (Query as unknown as new (sql: string, values: readonly unknown[]) => DriverQuery) {
    override prepare(connection: DriverConnection): void {
      const { name = '', values } = this;
      const columns = known.get(connection)?.get(name);
      if (columns === undefined || !values.every(isPlain)) {
        super.prepare(connection);
        return;
      }
      Object.assign(this._result, columns);
      this._accumulateRows = true;
      connection.bind({ portal: '', statement: name, values, binary: false, valueMapper: textOf });
      connection.execute({ portal: '' });
      connection.sync();
    }

    override handleCommandComplete(message: object, connection: DriverConnection): void {
      super.handleCommandComplete(message, connection);
      if (this.name === undefined) return;
      const ofConnection = known.get(connection) ?? new Map<string, Columns>();
      known.set(connection, ofConnection);
      if (ofConnection.has(this.name)) return;
      const { fields, _parsers, _prebuiltEmptyResultObject } = this._result;
      ofConnection.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject });
    }
  }

  return (client, sql, values, name) => {
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult>();
    const statement = new Statement(sql, values);
    statement.name = name;
    statement.callback = (error, result) => (error === null ? resolve(result) : reject(error));
    client.query(statement as unknown as QueryType);
    return promise;
  };
}

type Plain = string | number | bigint | boolean | null | undefined;

/** Whether a value is its own text for PostgreSQL. The driver has rules of its own for lists, dates and bytes. */
function isPlain(value: unknown): value is Plain {
  return typeof value !== 'object' || value === null;
}

function textOf(value: Plain): string | null {
  return value === null || value === undefined ? null : String(value);
}
