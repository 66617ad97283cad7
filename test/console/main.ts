/**
 * The console in a real browser, on a real server with two real agents: `npm run test:console -- --json`. A line for each scenario, then the
 * figures, and last how many passed, failed and were skipped. Exits 1 unless all that ran passed. `--screenshots FOLDER`
 * also takes the pictures of the docs. Needs Chromium (Debian's package `chromium`).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { SHARED_BY_A_BROWSER } from './browser.ts';
import { FORM_SCENARIOS } from './form-scenarios.ts';
import { chromiumProgram, type Ground, openGround, startHosts } from './ground.ts';
import { type Figures, measuringScenarios } from './measures.ts';
import { REVISION_SCENARIOS } from './revision-scenarios.ts';
import { largeScenarios } from './scale.ts';
import { BEFORE_HOSTS, type Scenario, WITH_HOSTS } from './scenarios.ts';
import { ON_EVERY_SCREEN } from './screens.ts';
import { takeScreenshots } from './screenshots.ts';
import { shiftScenarios } from './shifts.ts';
import { SINGLE_SIGN_ON } from './single-sign-on.ts';

const values = programOptions('test:console', {
  only: anyText('TEXTS', 'runs the scenarios whose names hold one of the texts (a|b); some need what others have left'),
  'as-built': flag('does not build the console anew'),
  screenshots: anyText('FOLDER', 'takes the pictures of the docs, too'),
  json: flag('the figures and the summary as JSON'),
});
const figures: Figures = {
  ...{ firstLoadBytes: null, dashboardMs: null, searchMs: null, longListMs: null, pagesLookedAt: 0 },
  ...{ pageCpuShare: null, updatesPerSecond: null, longestTaskMs: null },
};
/** Longer than any scenario takes on a machine with much else to do. */
const MOST_MS = 15 * 60_000;
const count = { passed: 0, failed: 0, skipped: 0 };
const say = (line: string) => process.stderr.write(`${line}\n`);
const program = chromiumProgram();

if (program === null) say('not run: Chromium is not installed (apt-get install chromium)');
else {
  try {
    await runAll(program);
  } catch (error) {
    count.failed += 1;
    say(`failed  the ground of the scenarios: ${wordsOf(error)}`);
  }
}
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...count, ...figures })}\n`
    : `${JSON.stringify(figures)}\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`,
);
process.exitCode = program !== null && count.passed > 0 && count.failed === 0 ? 0 : 1;

async function runAll(chromium: string): Promise<void> {
  if (!values['as-built'])
    execFileSync('npm', ['run', '--silent', 'build:console'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await using stack = new AsyncDisposableStack();
  const pictures = values.screenshots === null ? null : resolve(values.screenshots);
  if (pictures !== null) mkdirSync(pictures, { recursive: true });
  const ground = await openGround(chromium, stack, pictures);
  await runScenarios([...BEFORE_HOSTS, ...SINGLE_SIGN_ON, ...SHARED_BY_A_BROWSER], ground);
  await startHosts(ground, stack);
  await runScenarios(
    [
      ...WITH_HOSTS,
      ...ON_EVERY_SCREEN,
      ...FORM_SCENARIOS,
      ...REVISION_SCENARIOS,
      ...measuringScenarios(figures),
      ...largeScenarios(figures),
    ],
    ground,
  );
  await runScenarios(shiftScenarios(figures), ground);
  if (pictures !== null) say(`pictures  ${(await takeScreenshots(ground, pictures)).join(', ')}`);
}

async function runScenarios(scenarios: readonly Scenario[], ground: Ground): Promise<void> {
  for (const { name, run } of scenarios) {
    if (!(values.only ?? '').split('|').some((text) => name.includes(text))) {
      count.skipped += 1;
      continue;
    }
    const from = performance.now();
    using limit = timeLimit(MOST_MS);
    try {
      await Promise.race([run(ground), limit.passed]);
      count.passed += 1;
      say(`passed  ${name} (${Math.round(performance.now() - from)} ms)`);
    } catch (error) {
      count.failed += 1;
      say(`failed  ${name}: ${wordsOf(error)}`);
    } finally {
      // Closes what a scenario that hangs is waiting for, too.
      for (const context of ground.browser.contexts()) await context.close();
    }
  }
}

/** `passed` never resolves; it rejects when the time is over. */
function timeLimit(ms: number): Disposable & { readonly passed: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const timer = setTimeout(() => reject(new Error(`it had not ended after ${ms / 60_000} minutes`)), ms);
  return { passed: promise, [Symbol.dispose]: () => clearTimeout(timer) };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
