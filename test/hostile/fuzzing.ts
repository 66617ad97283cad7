import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../support/random.ts';
import { createCaseRunner, type HostileCase, type Outcome } from './case-runner.ts';
import { damaged } from './mutate.ts';
import { makeSeeds } from './seeds.ts';

export interface FuzzRun {
  readonly seed: number;
  /** Number of the first case; each depends on the seed and its own number only. */
  readonly first: number;
  /** Whichever comes first. */
  readonly most: { readonly cases?: number; readonly seconds?: number };
  /** Folder of its own; cases that failed stay in it as `case-N.KIND`. */
  readonly folder: string;
}

export interface FuzzFinding extends Outcome {
  readonly number: number;
  /** The input, kept. */
  readonly file: string;
}

export interface FuzzReport {
  readonly tried: number;
  readonly findings: readonly FuzzFinding[];
  /** How the cases ended, so that it can be seen that the damage reaches every part of the readers. */
  readonly ends: ReadonlyMap<string, number>;
}

/** Damages honest inputs and watches what becomes of them. */
export async function fuzz({ seed, first, most, folder }: FuzzRun): Promise<FuzzReport> {
  mkdirSync(join(folder, 'seeds'), { recursive: true });
  const [one, ...others] = await makeSeeds(join(folder, 'seeds'));
  if (one === undefined) throw new Error('no seeds could be made');
  const seeds = [one, ...others] as const;
  const findings: FuzzFinding[] = [];
  const ends = new Map<string, number>();
  const until = performance.now() + (most.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  await using runner = createCaseRunner(folder);
  let tried = 0;
  for (; tried < (most.cases ?? Number.POSITIVE_INFINITY) && performance.now() < until; tried += 1) {
    const number = first + tried;
    const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ number);
    const input: HostileCase = damaged(random.pick(seeds), random.pick(seeds), random);
    const outcome = await runner.run(input);
    ends.set(outcome.end, (ends.get(outcome.end) ?? 0) + 1);
    if (outcome.problem === null) continue;
    const file = join(folder, `case-${number}.${input.kind}`);
    writeFileSync(file, input.bytes);
    findings.push({ ...outcome, number, file });
  }
  return { tried, findings, ends };
}
