import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { quoteForShell } from '../../src/system/shell-word.ts';

/** Programs that cannot run on this machine, stood in for: each writes down how it was called, and does nothing else. */
export interface FakePrograms extends Disposable {
  /** For the environment of a process of its own. */
  readonly path: string;
  /** Every call so far: the program, then its arguments as it was given them. */
  calls(): string[][];
}

/** Puts stand-ins in front of PATH until it is let go of. */
export function fakePrograms(folder: string, names: readonly string[]): FakePrograms {
  const log = join(folder, 'calls');
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const program = join(folder, name);
    // An argument ends with a NUL, a call with one more.
    writeFileSync(program, `#!/bin/sh\nprintf '%s\\0' ${name} "$@" '' >> ${quoteForShell(log)}\n`);
    chmodSync(program, 0o755);
  }
  const before = process.env['PATH'];
  const path = [folder, before].join(delimiter);
  process.env['PATH'] = path;
  return {
    path,
    calls() {
      const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
      return text
        .split('\0\0')
        .filter((call) => call !== '')
        .map((call) => call.split('\0'));
    },
    [Symbol.dispose]() {
      process.env['PATH'] = before;
    },
  };
}
