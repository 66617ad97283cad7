/** Shares out the work that Install does for each of many files: this thread does it, and a second one beside it where there is one. */
import type { BatchThread } from '../system/batch-thread.ts';
import { type Batch, carryOutBatch } from './batches.ts';
import { type CopyWays, createCopyWays } from './copy-new.ts';
import type { InstallFs } from './install-fs.ts';

/** One batch to work on, and one to find when that is done. */
const BATCHES_AHEAD = 2;

/** A thread that carries out batches. */
export type SecondThread = Pick<
  BatchThread<Batch>,
  'mayTake' | 'take' | 'hasFailed' | 'stop' | 'settled' | typeof Symbol.asyncDispose
>;

/** The second thread of one Install, started when there is work enough for it. */
export interface SecondOnCall extends AsyncDisposable {
  /** @returns null: the files are too few, or there can be no second thread */
  forFiles(count: number): SecondThread | null;
}

/** Starts second threads. */
export interface SecondThreads {
  /** From so many files on, the thread's work saves more than its start takes. */
  readonly leastFiles: number;
  /** @returns null: there can be none now */
  start(agentUid: number): SecondThread | null;
}

/** @param threads undefined: there is never a second one */
export function secondOnCall(threads: SecondThreads | undefined, agentUid: number): SecondOnCall {
  let started: SecondThread | null | undefined;
  return {
    forFiles(count) {
      if (threads !== undefined && count >= threads.leastFiles) started ??= threads.start(agentUid);
      return started ?? null;
    },
    async [Symbol.asyncDispose]() {
      await started?.[Symbol.asyncDispose]();
    },
  };
}

export interface Crew {
  /**
   * Has a batch carried out, here before this returns, or beside.
   *
   * @param ahead so many batches may wait beside
   * @throws SlipwayError what the disk refused here
   */
  work(batch: Batch, ahead?: number): void;
  /** @throws SlipwayError what the disk refused in the other thread */
  settled(): Promise<void>;
  /** Waits until nobody is at work any more, however that ends. No more batch is begun beside. */
  stopped(): Promise<void>;
}

/** @param second null: all is done here */
export function createCrew(fs: InstallFs, second: SecondThread | null): Crew {
  let ways: CopyWays | null = null;
  return {
    work(batch, ahead = BATCHES_AHEAD) {
      // Somebody waits for what it met.
      if (second?.hasFailed() === true) return;
      if (second?.mayTake(ahead) === true) second.take(batch);
      else {
        ways ??= createCopyWays(fs);
        carryOutBatch(fs, ways, batch);
      }
    },
    async settled() {
      await second?.settled();
    },
    async stopped() {
      second?.stop();
      await second?.settled().catch(() => undefined);
    },
  };
}
