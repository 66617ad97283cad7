import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessFigures } from './server-metrics.ts';

export interface ProcessWatch {
  /** The figures of now; what was seen of the event loop is forgotten with each question. */
  figures(): ProcessFigures;
  close(): Promise<void>;
}

/** How often it is looked whether the loop is late; a delay is seen to this precision. */
const RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

export function watchProcess(): ProcessWatch {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // The timer of the measurement itself fires this late on an idle loop.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000);
  return {
    figures() {
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      const hasSeen = delay.count > 0;
      const loopDelay = hasSeen
        ? { p50: seconds(delay.percentile(50)), p99: seconds(delay.percentile(99)), max: seconds(delay.max) }
        : { p50: 0, p99: 0, max: 0 };
      delay.reset();
      return { residentBytes: rss, heapUsedBytes: heapUsed, cpuSeconds: (user + system) / 1e6, loopDelay };
    },
    async close() {
      delay.disable();
    },
  };
}
