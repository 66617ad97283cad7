import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/**
 * Ends a run with one line that any reader of a log understands, `N passed, N failed, N skipped`, counted from the tests that ran. Before
 * it stands each test that did not run and why, so that nothing is left out in silence.
 *
 * Faults outside of a test count as failed, too: a file that cannot be loaded, an error that nobody caught, no tests at all.
 */
export class ClosingLine implements Reporter {
  #runner: Vitest | null = null;

  onInit(runner: Vitest): void {
    this.#runner = runner;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const of = (state: string) => tests.filter((test) => test.result().state === state);
    const skipped = of('skipped');
    const outside = modules.filter((module) => module.state() === 'failed' && !hasFailedTest(module)).length;
    const failed =
      of('failed').length + of('pending').length + outside + unhandled.length + (tests.length === 0 ? 1 : 0);
    const lines = skipped.map((test) => `not run here: ${nameOf(test)}`);
    lines.push(`${of('passed').length} passed, ${failed} failed, ${skipped.length} skipped`);
    this.#runner?.logger.log(`\n${lines.join('\n')}\n`);
  }
}

function hasFailedTest(module: TestModule): boolean {
  return !module.children.allTests('failed').next().done;
}

function nameOf(test: TestCase): string {
  const result = test.result();
  const reason = result.state === 'skipped' && result.note !== undefined ? ` (NOT RUN: ${result.note})` : '';
  return `${test.module.relativeModuleId} > ${test.fullName}${reason}`;
}
