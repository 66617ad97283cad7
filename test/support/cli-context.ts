import type { CliContext } from '../../src/cli/context.ts';
import { createOutput } from '../../src/cli/output.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';

/** A context for commands that run inside the test: what they print is kept. */
export interface CapturedContext extends CliContext {
  printed(): string;
  complained(): string;
}

export function capturedContext(overrides: Partial<CliContext> = {}): CapturedContext {
  let out = '';
  let err = '';
  const sink = (keep: (text: string) => void) => createOutput({ write: keep, isTerminal: false, columns: 80 });
  return {
    stdout: sink((text) => {
      out += text;
    }),
    stderr: sink((text) => {
      err += text;
    }),
    env: {},
    workingDirectory: '/',
    homeDirectory: '/nonexistent',
    clock: systemClock,
    random: systemRandom,
    ask: null,
    interrupted: new AbortController().signal,
    ...overrides,
    printed: () => out,
    complained: () => err,
  };
}
