/** Things that must hold, one after another; the next one is tried in any case. */

export interface Check {
  readonly what: string;
  /** Why it cannot run here; empty: it can. */
  readonly needs: readonly string[];
  /** @returns a text for the report, such as counts; anything else is not shown */
  readonly hold: () => unknown;
}

/** Thrown by a check that finds only while it runs that it cannot run here. */
export class CannotRun extends Error {}

export interface CheckResult {
  readonly what: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** Count, cause of the failure, or why it did not run; null: there is nothing to tell. */
  readonly note: string | null;
}

const WORDS = { passed: 'ok     ', failed: 'FAILED ', skipped: 'NOT RUN' } as const;

/**
 * Prints a line a check, and the counts as JSON in the last line.
 *
 * @param form of the lines: text for people, or JSON with the members of a result
 * @returns the exit status: 0 when nothing failed and something ran
 */
export async function runChecks(checks: readonly Check[], form: 'text' | 'json' = 'text'): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const check of checks) {
    const result = await resultOf(check);
    counts[result.result] += 1;
    process.stdout.write(`${form === 'json' ? JSON.stringify(result) : textOf(result)}\n`);
  }
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function resultOf({ what, needs, hold }: Check): Promise<CheckResult> {
  if (needs.length > 0) return { what, result: 'skipped', seconds: 0, note: needs.join('; ') };
  const begin = performance.now();
  const seconds = () => Math.round((performance.now() - begin) / 100) / 10;
  try {
    const said = await hold();
    return { what, result: 'passed', seconds: seconds(), note: typeof said === 'string' ? said : null };
  } catch (error) {
    if (error instanceof CannotRun) return { what, result: 'skipped', seconds: seconds(), note: error.message };
    return { what, result: 'failed', seconds: seconds(), note: String(error) };
  }
}

function textOf({ what, result, seconds, note }: CheckResult): string {
  const [word, indented] = [WORDS[result], note?.replaceAll('\n', '\n        ')];
  if (result === 'skipped') return `${word} ${what}: ${indented}`;
  if (result === 'failed') return `${word} ${what}\n        ${indented}`;
  return `${word} ${what} (${seconds.toFixed(1)} s)${indented === undefined ? '' : `: ${indented}`}`;
}
