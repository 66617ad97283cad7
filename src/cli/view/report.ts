/** A report: the same columns as a table for people and as CSV for programs. */
import { renderCsv } from './csv.ts';
import { renderTable } from './table.ts';
import { renderTime } from './time.ts';

export interface Column<Entry> {
  /** The name above its column in CSV: it stays as it is from version to version. */
  readonly name: string;
  /** The name above its column in the table; null: only CSV has it. */
  readonly heading: string | null;
  /** For CSV, and for the table unless that has its own. Empty: there is nothing to say. */
  value(entry: Entry): string;
  /** For the table. */
  shown?(entry: Entry): string;
}

/** A column of a time, in seconds since the epoch; CSV has it as ISO 8601, in UTC. */
export function timeColumn<Entry>(
  name: string,
  heading: string | null,
  timeOf: (entry: Entry) => number | undefined,
): Column<Entry> {
  return {
    ...{ name, heading },
    value(entry) {
      const time = timeOf(entry);
      return time === undefined ? '' : new Date(time * 1000).toISOString();
    },
    shown: (entry) => renderTime(timeOf(entry)),
  };
}

export function reportAsCsv<Entry>(columns: readonly Column<Entry>[], entries: readonly Entry[]): string[] {
  return renderCsv([
    columns.map(({ name }) => name),
    ...entries.map((entry) => columns.map(({ value }) => value(entry))),
  ]);
}

export function reportAsTable<Entry>(columns: readonly Column<Entry>[], entries: readonly Entry[]): string[] {
  const shown = columns.filter(({ heading }) => heading !== null);
  return renderTable([
    shown.map(({ heading }) => heading ?? ''),
    ...entries.map((entry) => shown.map((column) => (column.shown ?? column.value)(entry) || '-')),
  ]);
}
