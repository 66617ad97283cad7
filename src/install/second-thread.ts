/**
 * A second thread for Install, with the same right to the disk and folders that it holds itself.
 *
 * This thread works in synchronous calls and hears nothing meanwhile. So shared memory holds what both have to know of each other: how much
 * has been done, and whether to go on. Words are for the moments in which this one waits.
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { messageOf, SlipwayError } from '../errors.ts';
import type { SecondThread, SecondThreads } from './crew.ts';
import { COUNTERS, counter, type FromThread, type ThreadSettings, type ToThread } from './second-thread-messages.ts';

/** Where an Install of so many files takes half a second, starting a thread takes a tenth of that. */
const MANY_FILES = 2000;
/** Heap of the thread, in megabytes: it has no data of its own to speak of. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export const secondThread: SecondThreads = {
  leastFiles: MANY_FILES,
  start: startSecondThread,
};

/**
 * Starts the thread, and does not wait for it: until it is there, it takes nothing. One that cannot load its program
 * never takes anything.
 *
 * @param agentUid as `anchorFs`
 * @returns null: there can be none
 */
function startSecondThread(agentUid: number): SecondThread | null {
  const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
  const workerData: ThreadSettings = { agentUid, counters };
  let worker: Worker;
  try {
    worker = new Worker(programFile(), { workerData, resourceLimits: HEAP });
  } catch {
    // The system may start no more threads for the agent.
    return null;
  }
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => undefined);
  worker.once('error', (error) => {
    const remedy = 'Deploy again. If it ends again, report this message with the number of files of the revision.';
    died.reject(new SlipwayError('INSTALL_FAILED', `a thread of the Install ended: ${messageOf(error)}`, { remedy }));
  });
  let given = 0;
  return {
    mayTake: (ahead) =>
      Atomics.load(counters, counter.isReady) === 1 && given - Atomics.load(counters, counter.done) < ahead,
    take(batch) {
      given += 1;
      worker.postMessage(batch satisfies ToThread);
    },
    hasFailed: () => Atomics.load(counters, counter.hasFailed) === 1,
    stop: () => Atomics.store(counters, counter.isStopped, 1),
    async settled() {
      if (given === 0) return;
      const { promise, resolve } = Promise.withResolvers<FromThread>();
      worker.once('message', resolve);
      worker.postMessage('settle' satisfies ToThread);
      const fault = await Promise.race([promise, died.promise]);
      if (fault !== null) throw new SlipwayError(fault.code, fault.message, { remedy: fault.remedy });
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

/** The source in a checkout, the bundle in a package. */
function programFile(): URL {
  const source = new URL('./second-thread-main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../install/second-thread.js', import.meta.url);
}
