import type { Clock } from '../../system/clock.ts';
import type { Waiters } from '../engine/waiters.ts';
import { countDeployments } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';
import { countingFaults } from './observed.ts';
import { watchProcess } from './process-figures.ts';
import type { ServerMetrics } from './server-metrics.ts';

export interface MetricsTextContext {
  readonly metrics: ServerMetrics;
  readonly store: Pick<Store, 'db' | 'dialect'>;
  readonly waiters: Pick<Waiters, 'waiting'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly version: string;
}

export interface MetricsText {
  /** Returns the counts so far, and the figures of this moment. Also comes while the database is down. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Deployments are counted no more often, however many ask for the metrics. */
const COUNTED_MS = 15_000;

export function createMetricsText(ctx: MetricsTextContext): MetricsText {
  const { metrics, store, waiters, clock, version } = ctx;
  const startedAtMs = clock.now();
  const watched = watchProcess();
  const count = countingFaults(metrics, () => countDeployments(store.db));
  let counted: { readonly atMs: number; readonly deployments: ReturnType<typeof count> } | null = null;
  const deployments = async () => {
    const nowMs = clock.now();
    if (counted === null || Math.abs(nowMs - counted.atMs) >= COUNTED_MS)
      counted = { atMs: nowMs, deployments: count() };
    return counted.deployments.catch(() => {
      counted = null;
      return null;
    });
  };
  return {
    async text() {
      return metrics.text({
        ...{ version, database: store.dialect, startedAtMs },
        deployments: await deployments(),
        pollsWaiting: waiters.waiting().length,
        process: watched.figures(),
      });
    },
    close: watched.close,
  };
}
