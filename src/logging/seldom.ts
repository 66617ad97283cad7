import type { Clock } from '../system/clock.ts';
import type { Logger } from './logger.ts';

/** Says the same thing at most once in `everyMs`, with the number of times that it was not said. For what strangers can cause. */
export type SayingSeldom = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

const EVERY_MS = 60_000;

export function saySeldom(log: Pick<Logger, 'warn'>, clock: Pick<Clock, 'now'>, everyMs = EVERY_MS): SayingSeldom {
  /** Counts by message; the messages are the program's own, so there are few. */
  const said = new Map<string, { atMs: number; unsaid: number }>();
  return (message, fields = {}) => {
    const before = said.get(message);
    const nowMs = clock.now();
    if (before !== undefined && nowMs - before.atMs < everyMs) {
      before.unsaid += 1;
      return;
    }
    said.set(message, { atMs: nowMs, unsaid: 0 });
    const unsaid = before?.unsaid ?? 0;
    log.warn(message, { ...fields, ...(unsaid === 0 ? {} : { alsoBefore: unsaid }) });
  };
}
