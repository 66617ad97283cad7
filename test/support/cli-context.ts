import type { CliContext } from '../../src/cli/context.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createPrinter } from '../../src/system/printable.ts';
import { systemRandom } from '../../src/system/random.ts';

/** A context for commands that run inside the test: what they print is kept. */
export interface CapturedContext extends CliContext {
  printed(): string;
  complained(): string;
}

export function capturedContext(overrides: Partial<CliContext> = {}): CapturedContext {
  let out = '';
  let err = '';
  const [printOut, printErr] = [createPrinter(), createPrinter()];
  return {
    stdout: {
      write: (text) => {
        out += printOut(text);
      },
      writeOwn: (text) => {
        out += text;
      },
      isTerminal: false,
      columns: 80,
    },
    stderr: {
      write: (text) => {
        err += printErr(text);
      },
      writeOwn: (text) => {
        err += text;
      },
      isTerminal: false,
      columns: 80,
    },
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
