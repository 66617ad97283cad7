/** Trials side by side, each lane with a server of its own. Most of a trial's time is a server that starts, or a pause of its own. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Site } from './scenario.ts';

/** One more than there are cores, for those that pause. */
const LANES = availableParallelism() + 1;

export interface Lanes<Ground> extends AsyncDisposable {
  /** Takes the trials from the front, as lanes become free. @returns results in the order of the trials */
  run<Trial, Result>(
    trials: readonly Trial[],
    trial: (ground: Ground, trial: Trial) => Promise<Result>,
  ): Promise<readonly Result[]>;
}

export async function openLanes<Ground extends AsyncDisposable>(
  { folder, program }: Site,
  open: (site: Site) => Promise<Ground>,
): Promise<Lanes<Ground>> {
  const opening = Array.from({ length: LANES }, (_, lane) => {
    const own = join(folder, String(lane));
    mkdirSync(own);
    return open({ folder: own, program });
  });
  const grounds = await Promise.all(opening);
  return {
    async run(trials, trial) {
      const waiting = [...trials.entries()];
      const results: Awaited<ReturnType<typeof trial>>[] = [];
      const work = async (ground: Ground) => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          results[next[0]] = await trial(ground, next[1]);
        }
      };
      await Promise.all(grounds.map(work));
      return results;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(grounds.map((ground) => ground[Symbol.asyncDispose]()));
    },
  };
}
