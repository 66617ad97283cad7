/**
 * How many hosts are told at once that their reports are taken. A step makes the next events of hundreds of hosts ready, and a host that is
 * answered asks for its next command. Hundreds that ask at once would all wait for the last of them.
 *
 * So an answer takes one of a few places, and waits while none is free. The place is free again once the host has its next command, or its
 * poll is held. A host whose poll does not come soon gives its place up. Reports are written down and steps are taken meanwhile, so nothing
 * but the answer waits.
 */
import type { Clock } from '../../system/clock.ts';

export interface PacedAnswers {
  /** Resolves when the host may be told. */
  turn(hostArn: string): Promise<void>;
  /** The host polls. */
  polls(hostArn: string): void;
  /** Its poll has a command, or is held. */
  served(hostArn: string): void;
}

/** While half of the polls take longer than this to be served, there are fewer places, and else more; milliseconds. */
const GOAL_MS = 8;
const MOST_PLACES = 48;
/** With fewer, too little comes together to be written down at once. */
const FEWEST_PLACES = 8;
/** By so much the number of places follows one poll. */
const STEP = 0.25;
/** A poll that has not come by then may not come at all, or comes from far away: then 300 to 1 900 hosts are told in a second. Milliseconds. */
const ARRIVAL_MS = 25;
/** A poll that is not served by then waits for something else than its turn; milliseconds. */
const LONGEST_MS = 5_000;

interface Place {
  readonly sinceMs: number;
  polledAtMs: number | null;
}

/** @param clock monotonic */
export function createPacedAnswers(clock: Pick<Clock, 'now' | 'sleep'>): PacedAnswers {
  const places = new Map<string, Place>();
  const waiting: { readonly hostArn: string; readonly goOn: () => void }[] = [];
  let isClearing = false;
  let most = MOST_PLACES;

  const take = (hostArn: string) => places.set(hostArn, { sinceMs: clock.now(), polledAtMs: null });
  const learn = (servedAfterMs: number) => {
    const wanted = most + (servedAfterMs > GOAL_MS ? -STEP : STEP);
    most = Math.min(Math.max(wanted, FEWEST_PLACES), MOST_PLACES);
  };
  const letIn = () => {
    for (let next = waiting[0]; next !== undefined && places.size < Math.floor(most); next = waiting[0]) {
      waiting.shift();
      take(next.hostArn);
      next.goOn();
    }
  };
  const clearWhileSomeWait = async () => {
    isClearing = true;
    while (waiting.length > 0) {
      await clock.sleep(ARRIVAL_MS);
      const nowMs = clock.now();
      for (const [hostArn, { sinceMs, polledAtMs }] of places) {
        const ageMs = nowMs - sinceMs;
        if (ageMs >= (polledAtMs === null ? ARRIVAL_MS : LONGEST_MS)) places.delete(hostArn);
      }
      letIn();
    }
    isClearing = false;
  };

  return {
    turn(hostArn) {
      if (places.size < Math.floor(most)) {
        take(hostArn);
        return Promise.resolve();
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ hostArn, goOn: resolve });
      if (!isClearing) void clearWhileSomeWait();
      return promise;
    },
    polls(hostArn) {
      const place = places.get(hostArn);
      if (place !== undefined) place.polledAtMs = clock.now();
    },
    served(hostArn) {
      const place = places.get(hostArn);
      if (place === undefined) return;
      places.delete(hostArn);
      if (place.polledAtMs !== null) learn(clock.now() - place.polledAtMs);
      letIn();
    },
  };
}
