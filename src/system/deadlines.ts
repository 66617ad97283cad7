import type { Clock } from './clock.ts';

/** A waiting party, whose `end` is called when its time is over. */
export interface Waiting {
  end(): void;
}

export interface Deadlines {
  /** Has `waiting` ended at a time, or up to a second later. @param atMs milliseconds since the epoch, by the clock */
  add(atMs: number, waiting: Waiting): void;
  /** @param atMs as it was added with */
  remove(atMs: number, waiting: Waiting): void;
}

/** Deadlines within one of these share a timer. */
const SLOT_MS = 1_000;

interface Slot {
  readonly waiting: Set<Waiting>;
  readonly over: AbortController;
}

/** Deadlines of thousands who wait for about a minute each: a timer for each second instead of one for each of them. */
export function createDeadlines(clock: Clock): Deadlines {
  const slots = new Map<number, Slot>();
  const begin = (endMs: number): Slot => {
    const slot: Slot = { waiting: new Set(), over: new AbortController() };
    slots.set(endMs, slot);
    void clock.sleep(endMs - clock.now(), slot.over.signal).then(() => {
      if (slots.get(endMs) === slot) slots.delete(endMs);
      for (const waiting of slot.waiting) waiting.end();
    });
    return slot;
  };
  return {
    add(atMs, waiting) {
      const endMs = endOfSlot(atMs);
      (slots.get(endMs) ?? begin(endMs)).waiting.add(waiting);
    },
    remove(atMs, waiting) {
      const endMs = endOfSlot(atMs);
      const slot = slots.get(endMs);
      if (slot?.waiting.delete(waiting) !== true || slot.waiting.size > 0) return;
      // Nobody waits for it any more, and a server that stops must not.
      slots.delete(endMs);
      slot.over.abort();
    },
  };
}

function endOfSlot(atMs: number): number {
  return Math.ceil(atMs / SLOT_MS) * SLOT_MS;
}
