/**
 * Whose request is carried out next, while more come than can be. Without this order a server would carry requests out as the kernel hands
 * them over. With a thousand hosts at work, a host would wait for its next command until all others have been served.
 *
 * Requests for which a host waits with nothing to do go first. These are the acknowledgement that a command begins with, polls, and the
 * question for its specification. A report comes last: it is the end of a command, and what follows from it makes others wait. Reports that
 * go together also share a commit and a step.
 *
 * Live logs come when nothing else waits, however long that takes: an agent gives a request up after ten seconds.
 */

/** From the most to the least urgent. */
export const URGENCIES = ['acknowledgement', 'poll', 'specification', 'other', 'report', 'log'] as const;
export type Urgency = (typeof URGENCIES)[number];

export interface Turns {
  /** Resolves when it is this request's turn. */
  take(urgency: Urgency): Promise<void>;
}

export interface TurnsContext {
  /** Calls back when the event loop has turned once, after it has looked for requests that have come. */
  afterTurn(callback: () => void): void;
  /** Monotonic; milliseconds. */
  now(): number;
}

/** Requests that are begun in one turn of the event loop: some milliseconds of work, and enough reports for one commit. */
const TOGETHER = 16;
/** A request that has waited for so long, in ms, goes before more urgent ones, with half of the places: no request waits for ever. */
const LONG_MS = 10_000;

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
}

export function createTurns(ctx: TurnsContext): Turns {
  const queues = new Map<Urgency, Waiting[]>(URGENCIES.map((urgency) => [urgency, []]));
  let isAsked = false;

  const mostUrgent = () => [...queues.values()].find((queue) => queue.length > 0);
  const inTime = URGENCIES.filter((urgency) => urgency !== 'log').map((urgency) => queues.get(urgency) ?? []);
  const oldest = () => inTime.reduce((a, b) => (sinceMs(a) < sinceMs(b) ? a : b));
  const beginSome = () => {
    isAsked = false;
    const longAgoMs = ctx.now() - LONG_MS;
    for (let begun = 0; begun < TOGETHER; begun += 1) {
      const isForOldest = begun % 2 === 1 && sinceMs(oldest()) <= longAgoMs;
      const queue = isForOldest ? oldest() : mostUrgent();
      if (queue === undefined) return;
      queue.shift()?.begin();
    }
    askForTurn();
  };
  const askForTurn = () => {
    if (isAsked) return;
    isAsked = true;
    ctx.afterTurn(beginSome);
  };

  return {
    take: (urgency) =>
      new Promise((begin) => {
        queues.get(urgency)?.push({ sinceMs: ctx.now(), begin });
        askForTurn();
      }),
  };
}

/** Since when the first of a queue waits. */
function sinceMs(queue: readonly Waiting[]): number {
  return queue[0]?.sinceMs ?? Number.POSITIVE_INFINITY;
}
