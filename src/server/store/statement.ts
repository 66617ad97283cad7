/**
 * Statements of the hot path. Their text is made once, because building it for each request takes several times as long as SQLite takes to
 * carry it out.
 *
 * A statement is built with placeholders in place of its values. It is remembered by the form of the values: the members of an object, and
 * the length of a list. Lists are made longer by their last value, so that there are few lengths. So a list must be one of `in`, or of rows
 * that may come twice.
 */
import { type Compilable, type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { StoreReader } from './store.ts';

export interface Outcome<Row> {
  readonly rows: readonly Row[];
  /** Rows that were inserted, changed or deleted. */
  readonly changes: number;
}

export type Statement<Values extends readonly unknown[], Row> = (
  db: StoreReader,
  ...values: Values
) => Promise<Outcome<Row>>;

/** Lengths of lists; a longer one is a statement of its own. */
const LENGTHS = [1, 4, 16, 100];

/**
 * @param build must not look at the values that it is given, since they are placeholders: no condition may depend on them. They may be
 *   texts, numbers, null, lists of them for `in`, or objects of them for `set` and `values`
 */
export function statement<Values extends readonly unknown[], Row>(
  build: (db: StoreReader, ...values: Values) => Compilable<Row>,
): Statement<Values, Row> {
  /** Compiled statements by adapter, because the two databases have texts of their own, and by the form of the values. */
  const compiled = new WeakMap<object, Map<string, CompiledQuery<Row>>>();

  const compile = (db: StoreReader, values: Values): CompiledQuery<Row> => {
    const { adapter } = db.getExecutor();
    const ofAdapter = compiled.get(adapter) ?? new Map<string, CompiledQuery<Row>>();
    compiled.set(adapter, ofAdapter);
    const form = values.map(formOf).join(' ');
    const known = ofAdapter.get(form);
    if (known !== undefined) return known;
    const query = build(db, ...(values.map(placeholdersFor) as unknown as Values)).compile();
    ofAdapter.set(form, query);
    return query;
  };

  return async (db, ...values) => {
    const padded = values.map((value) => (Array.isArray(value) ? pad(value) : value)) as unknown as Values;
    const query = compile(db, padded);
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Placeholder ? parameter.valueIn(padded) : parameter,
    );
    const { rows, numAffectedRows } = await db.executeQuery<Row>({ ...query, parameters });
    return { rows, changes: Number(numAffectedRows ?? 0n) };
  };
}

/** Stands for one value, or for a member of one. */
class Placeholder {
  readonly #index: number;
  readonly #member: string | null;

  constructor(index: number, member: string | null) {
    this.#index = index;
    this.#member = member;
  }

  valueIn(values: readonly unknown[]): unknown {
    const value = values[this.#index];
    return this.#member === null ? value : (value as Readonly<Record<string, unknown>>)[this.#member];
  }
}

function formOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  return typeof value === 'object' && value !== null ? `{${Object.keys(value)}}` : '?';
}

function placeholdersFor(value: unknown, index: number): unknown {
  if (Array.isArray(value)) return value.map((_, member) => new Placeholder(index, String(member)));
  if (typeof value !== 'object' || value === null) return new Placeholder(index, null);
  return Object.fromEntries(Object.keys(value).map((member) => [member, new Placeholder(index, member)]));
}

function pad(list: readonly unknown[]): readonly unknown[] {
  const length = LENGTHS.find((one) => one >= list.length) ?? list.length;
  return list.length === 0 || list.length === length
    ? list
    : Array.from({ length }, (_, at) => list[Math.min(at, list.length - 1)]);
}

/** A table of these rows, for a `with` that names its columns. A row may be in it twice. */
export function rowsOf<Row>(rows: readonly RawBuilder<unknown>[]): RawBuilder<Row> {
  return sql<Row>`(values ${sql.join(rows)})`;
}
