/** Things that must hold, one after another; the next one is tried in any case. */

export interface Check {
  readonly what: string;
  /** Why it cannot run here; empty: it can. */
  readonly needs: readonly string[];
  readonly hold: () => unknown;
}

/** @returns the exit status: 0 when nothing failed and something ran */
export async function runChecks(checks: readonly Check[]): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { what, needs, hold } of checks) {
    const begin = performance.now();
    if (needs.length > 0) {
      counts.skipped += 1;
      process.stdout.write(`NOT RUN ${what}: ${needs.join('; ')}\n`);
      continue;
    }
    try {
      await hold();
      counts.passed += 1;
      process.stdout.write(`ok      ${what} (${((performance.now() - begin) / 1000).toFixed(1)} s)\n`);
    } catch (error) {
      counts.failed += 1;
      process.stdout.write(`FAILED  ${what}\n        ${String(error).replaceAll('\n', '\n        ')}\n`);
    }
  }
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
