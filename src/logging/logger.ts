/** The part of a logger that the rooms use: a message for people and fields for machines. `error` may be a field. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Members of every line: a field with one of these names would be lost. */
interface OwnFields {
  readonly message?: never;
  readonly level?: never;
  readonly timestamp?: never;
}

export type LogFields = Readonly<Record<string, unknown>> & OwnFields;

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
