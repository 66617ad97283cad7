/** Parts of the server that count what they do. Each behaves as the part that it is made of. */
import { isSlipwayError } from '../../errors.ts';
import type { HostCommandService } from '../commands/host-commands.ts';
import type { Engine } from '../engine/engine.ts';
import type { Store } from '../store/store.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** @param now monotonic, in milliseconds */
export function observedStore(store: Store, metrics: ServerMetrics, now: () => number): Store {
  return {
    ...store,
    transaction: (work, durability) =>
      timed(
        now,
        metrics.transaction,
        countingFaults(metrics, () => store.transaction(work, durability)),
      ),
    statement: (run, durability) =>
      timed(
        now,
        metrics.transaction,
        countingFaults(metrics, () => store.statement(run, durability)),
      ),
  };
}

export function observedEngine(engine: Engine, metrics: ServerMetrics, now: () => number): Engine {
  return { ...engine, step: (deploymentId) => timed(now, metrics.step, () => engine.step(deploymentId)) };
}

/** An outcome counts once it has been taken. */
export function observedHostCommands(service: HostCommandService, metrics: ServerMetrics): HostCommandService {
  return {
    ...service,
    async PutHostCommandComplete(input, caller) {
      const output = await service.PutHostCommandComplete(input, caller);
      metrics.report(input.CommandStatus === 'Succeeded' ? 'Succeeded' : 'Failed');
      return output;
    },
  };
}

/** A question to the database, outside of a transaction, whose faults are counted. */
export function countingFaults<T>(
  metrics: Pick<ServerMetrics, 'databaseFault'>,
  ask: () => Promise<T>,
): () => Promise<T> {
  return async () => {
    try {
      return await ask();
    } catch (error) {
      if (isSlipwayError(error, 'SERVER_DATABASE_AWAY')) metrics.databaseFault();
      throw error;
    }
  };
}

async function timed<T>(now: () => number, tell: (seconds: number) => void, work: () => Promise<T>): Promise<T> {
  const startedMs = now();
  try {
    return await work();
  } finally {
    tell((now() - startedMs) / 1000);
  }
}
