import { createCaseRunner } from './case-runner.ts';
import { corpus } from './corpus.ts';

export interface CorpusReport {
  readonly tried: number;
  readonly escapes: number;
  /** Errors without a code, processes that ended, and memory beyond all need. */
  readonly crashes: number;
  readonly hangs: number;
  /** Nothing happened, but the end is not the one that the attack has to have. */
  readonly otherEnds: number;
  /** A line for each. */
  readonly problems: readonly string[];
  /** How many attacks of each kind. */
  readonly groups: ReadonlyMap<string, number>;
}

/** @param folder exists; cases unpack below it, and nothing of them stays */
export async function runCorpus(folder: string): Promise<CorpusReport> {
  const groups = new Map<string, number>();
  const problems: string[] = [];
  let [tried, escapes, crashes, hangs, otherEnds] = [0, 0, 0, 0, 0];
  await using runner = createCaseRunner(folder);
  for (const { group, name, make, ends } of corpus()) {
    const { end, problem, detail } = await runner.run(make());
    tried += 1;
    groups.set(group, (groups.get(group) ?? 0) + 1);
    if (problem === null && ends.includes(end)) continue;
    if (problem === 'escape') escapes += 1;
    else if (problem === 'hang') hangs += 1;
    else if (problem !== null) crashes += 1;
    else otherEnds += 1;
    problems.push(
      `${group}: ${name}: ${problem === null ? `ended in ${end}, not in ${ends.join(' or ')}` : `${problem}: ${detail}`}`,
    );
  }
  return { tried, escapes, crashes, hangs, otherEnds, problems, groups };
}
