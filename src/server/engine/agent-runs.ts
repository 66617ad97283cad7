/**
 * Whether two agents use the identity of one host, as they do where an image with the identity in it was started twice. Pure.
 *
 * Each start of our agent has an id of its own, which its polls carry. A restart brings a new id, and the old one is never seen again. An id
 * that comes back after another one is of an agent that has lived on beside that other one.
 */

/** Facts about the agents of a host. */
export interface AgentRuns {
  /** Ids, the one that polled last first. */
  readonly ids: readonly string[];
  /** When an id last came back after another; null: none ever did. Epoch milliseconds. */
  readonly sharedAtMs: number | null;
}

/** So many agents with one identity are still told apart. */
const REMEMBERED = 16;
/** An agent polls at least every two minutes; one that has not come back for this long has ended. */
export const SHARED_MS = 10 * 60_000;
const ID = /^[\w-]{8,64}$/;

/** @returns null for what is no id: official agents have none */
export function readRunId(header: unknown): string | null {
  return typeof header === 'string' && ID.test(header) ? header : null;
}

/**
 * Returns the facts after a poll.
 *
 * @returns the same object when nothing is new
 */
export function notePoll(runs: AgentRuns, id: string, nowMs: number): AgentRuns {
  if (runs.ids[0] === id) return runs;
  const ids = [id, ...runs.ids.filter((other) => other !== id)].slice(0, REMEMBERED);
  return { ids, sharedAtMs: runs.ids.includes(id) ? nowMs : runs.sharedAtMs };
}

export function isShared(sharedAtMs: number | null, nowMs: number): boolean {
  return sharedAtMs !== null && nowMs - sharedAtMs < SHARED_MS;
}
