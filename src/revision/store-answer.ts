/** Answer of an S3 store, read from the error that the SDK makes of it. Pure. */
import { STATUS_CODES } from 'node:http';
import { messageOf } from '../errors.ts';

export interface StoreAnswer {
  /** 0: there was no answer. */
  readonly status: number;
  /** The store's own name for the fault, such as `AccessDenied`; null: it gave none. */
  readonly code: string | null;
  /** Description of the fault, for a message. */
  readonly words: string;
}

/** Names that the SDK gives to what no store has named. */
const NO_NAMES = new Set(['Error', 'Unknown', 'UnknownError', 'SyntaxError', 'TypeError']);

export function storeAnswer(error: unknown): StoreAnswer {
  const status = statusOf(error);
  if (status === 0 || !(error instanceof Error)) return { status: 0, code: null, words: messageOf(error) };
  const code = NO_NAMES.has(error.name) ? null : error.name;
  const called = `the store answered ${status} ${code ?? STATUS_CODES[status] ?? ''}`.trimEnd();
  const saysMore = code !== null && error.message !== '' && error.message !== code && !NO_NAMES.has(error.message);
  return { status, code, words: saysMore ? `${called}: ${error.message}` : called };
}

function statusOf(error: unknown): number {
  // The second: what the SDK could not read as an error of S3.
  const { $metadata, $response } = (error ?? {}) as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode ?? 0;
  return status >= 300 ? status : 0;
}

/** For the SDK, which else writes lines of its own to the terminal. */
export const SILENT_LOGGER = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
