/** Who does what Install does for each of many files: this thread, and a second one beside it where there is one. */
import { type Batch, carryOutBatch } from './batches.ts';
import { type CopyWays, createCopyWays } from './copy-new.ts';
import type { InstallFs } from './install-fs.ts';

/** A thread that carries out batches. */
export interface SecondThread extends AsyncDisposable {
  /** Whether it has begun and will soon be through with what it has. */
  mayTake(): boolean;
  take(batch: Batch): void;
  /** Whether a batch could not be carried out; none after that one is. */
  hasFailed(): boolean;
  /** Begins no more batch. */
  stop(): void;
  /** Waits until nothing is under way. @throws SlipwayError what the disk refused */
  settled(): Promise<void>;
}

export interface Crew extends AsyncDisposable {
  /** Has a batch carried out, here before this returns, or beside. @throws SlipwayError what the disk refused here */
  work(batch: Batch): void;
  /** @throws SlipwayError what the disk refused in the other thread */
  settled(): Promise<void>;
  /** Waits until nobody is at work any more, however that ends. No more batch is begun beside. */
  stopped(): Promise<void>;
}

/** @param second null: all is done here */
export function createCrew(fs: InstallFs, second: SecondThread | null): Crew {
  let ways: CopyWays | null = null;
  return {
    work(batch) {
      // Somebody waits for what it met.
      if (second?.hasFailed() === true) return;
      if (second?.mayTake() === true) second.take(batch);
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
    async [Symbol.asyncDispose]() {
      await second?.[Symbol.asyncDispose]();
    },
  };
}
