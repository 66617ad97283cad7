/** How long the program waits, and for what: a machine with other work may take minutes to start a server. */
import { eventually } from '../support/eventually.ts';

/** Beyond this something has gone wrong, however slow the machine is. */
const PATIENCE_MS = 15 * 60_000;

/** @throws Error naming the condition when it never holds */
export function patiently(condition: () => boolean | Promise<boolean>): Promise<void> {
  return eventually(condition, { withinMs: PATIENCE_MS });
}

/**
 * Whether an error is an answer of the API that stays. A server that is down gives none, one without time for a request ends it with a bare
 * status, and one that is not done yet answers ServiceUnavailable.
 */
export function isAnswer(error: unknown): boolean {
  const { type } = error as { readonly type?: unknown };
  return typeof type === 'string' && !/^(HTTP \d+|ServiceUnavailable)$/.test(type);
}
