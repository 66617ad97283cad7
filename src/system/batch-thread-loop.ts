import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, SlipwayError } from '../errors.ts';
import { counter, type FromThread, type ThreadSettings, type ToThread } from './batch-thread-messages.ts';

/**
 * The other side of `startBatchThread`: carries out batches, one after the other, until the thread is ended. None is carried out after
 * one that failed.
 *
 * @param begin is given what the thread was started with, and returns what carries out a batch
 */
export function carryOutBatches<Batch, Settings>(begin: (settings: Settings) => (batch: Batch) => void): void {
  const { settings, counters } = workerData as ThreadSettings<Settings>;
  const carryOut = begin(settings);
  let fault: FromThread = null;
  parentPort?.on('message', (message: ToThread<Batch>) => {
    if (message === 'settle') {
      parentPort?.postMessage(fault);
      return;
    }
    const isWanted = fault === null && Atomics.load(counters, counter.isStopped) === 0;
    if (isWanted) fault = faultOf(() => carryOut(message.batch));
    if (fault !== null) Atomics.store(counters, counter.hasFailed, 1);
    Atomics.add(counters, counter.done, 1);
    Atomics.notify(counters, counter.done);
  });
  Atomics.store(counters, counter.isReady, 1);
}

function faultOf(work: () => void): FromThread {
  try {
    work();
    return null;
  } catch (error) {
    const { code, message, remedy } =
      error instanceof SlipwayError ? error : new SlipwayError('INTERNAL', messageOf(error), { cause: error });
    return { code, message, remedy };
  }
}
