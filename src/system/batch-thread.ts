/**
 * A second thread that carries out batches of work beside this one.
 *
 * This thread works in synchronous calls and hears nothing meanwhile. So shared memory holds what both have to know of each other: how much
 * has been done, and whether to go on. Words are for the moments in which this one waits.
 */
import { Worker } from 'node:worker_threads';
import { messageOf, SlipwayError } from '../errors.ts';
import { COUNTERS, counter, type FromThread, type ThreadSettings, type ToThread } from './batch-thread-messages.ts';

export interface BatchThread<Batch> extends AsyncDisposable {
  /** Whether it has begun and has fewer batches waiting than this. */
  mayTake(ahead: number): boolean;
  take(batch: Batch): void;
  /** Whether a batch could not be carried out; none after that one is. */
  hasFailed(): boolean;
  /** Begins no more batch. */
  stop(): void;
  /** Waits until nothing is under way. @throws SlipwayError why a batch could not be carried out */
  settled(): Promise<void>;
  /** The same without a turn of the event loop, and without the reason: `settled` has it. @returns whether all were carried out */
  settleNow(): boolean;
}

export interface BatchThreadProgram<Settings> {
  readonly file: URL;
  /** Plain data, which the thread is given at its start. */
  readonly settings: Settings;
  /** Why the work of this thread cannot be completed, when the other one has ended by itself. */
  died(why: string): Error;
}

/** Heap of the thread, in megabytes: it has no data of its own to speak of. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };
/** Longest wait for a thread that may have died, which only the event loop would tell; a batch takes some hundredths of a second. */
const STUCK_MS = 60_000;

/**
 * Starts the thread, and does not wait for it: until it is there, it takes nothing. One that cannot load its program
 * never takes anything.
 *
 * @returns null: there can be none
 */
export function startBatchThread<Batch, Settings>(program: BatchThreadProgram<Settings>): BatchThread<Batch> | null {
  const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
  const workerData: ThreadSettings<Settings> = { settings: program.settings, counters };
  let worker: Worker;
  try {
    worker = new Worker(program.file, { workerData, resourceLimits: HEAP });
  } catch {
    // The system may start no more threads for the agent.
    return null;
  }
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => undefined);
  worker.once('error', (error) => died.reject(program.died(messageOf(error))));
  let given = 0;
  const done = () => Atomics.load(counters, counter.done);
  const hasFailed = () => Atomics.load(counters, counter.hasFailed) === 1;
  const say = (message: ToThread<Batch>) => worker.postMessage(message);
  return {
    mayTake: (ahead) => Atomics.load(counters, counter.isReady) === 1 && given - done() < ahead,
    take(batch) {
      given += 1;
      say({ batch });
    },
    hasFailed,
    stop: () => Atomics.store(counters, counter.isStopped, 1),
    settleNow() {
      for (let seen = done(); seen < given; seen = done()) {
        if (Atomics.wait(counters, counter.done, seen, STUCK_MS) === 'timed-out')
          throw program.died('it does not answer');
      }
      return !hasFailed();
    },
    async settled() {
      if (given === 0) return;
      const { promise, resolve } = Promise.withResolvers<FromThread>();
      worker.once('message', resolve);
      say('settle');
      const fault = await Promise.race([promise, died.promise]);
      if (fault !== null) throw new SlipwayError(fault.code, fault.message, { remedy: fault.remedy });
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
