/** The least rate that a source has to keep up, as a mean over minutes: what only trickles never ends, and never stalls either. */

export interface PaceRule {
  /** Bytes a second that must come, as a mean over the window; 0: any rate is good. */
  readonly leastBytesPerSecond: number;
  readonly windowMs: number;
}

/** The source was slower than the rule. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

export interface Pace {
  /** How often the source has been too slow. */
  readonly violations: number;
  add(bytes: number): void;
  /** Counts anew from now on: the time until now was not the source's. */
  restart(): void;
  /** Counts the time from now on, until the answer is called. @param onTooSlow is told at most once */
  watch(onTooSlow: (why: TooSlow) => void): () => void;
}

const TICKS_PER_WINDOW = 10;

/**
 * One for a whole download: its connections share one line. Only time with an open connection counts. Timer ticks measure it, so that a
 * host that was asleep does not blame its store.
 */
export function createPace({ leastBytesPerSecond, windowMs }: PaceRule): Pace {
  const watchers = new Set<(why: TooSlow) => void>();
  const leastBytes = (leastBytesPerSecond * windowMs) / 1000;
  let received = 0;
  let violations = 0;
  let totals: number[] = [0];
  let timer: NodeJS.Timeout | undefined;
  const tick = () => {
    totals.push(received);
    if (totals.length <= TICKS_PER_WINDOW) return;
    const before = totals.shift() ?? 0;
    if (received - before >= leastBytes) return;
    violations += 1;
    totals = [received];
    const why = new TooSlow(
      `only ${received - before} bytes came in ${windowMs / 1000} seconds, and ${leastBytesPerSecond} a second must come`,
    );
    for (const tell of [...watchers]) tell(why);
  };
  return {
    get violations() {
      return violations;
    },
    add(bytes) {
      received += bytes;
    },
    restart() {
      totals = [received];
    },
    watch(onTooSlow) {
      if (leastBytes === 0) return () => undefined;
      watchers.add(onTooSlow);
      timer ??= setInterval(tick, windowMs / TICKS_PER_WINDOW);
      return () => {
        watchers.delete(onTooSlow);
        if (watchers.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}
