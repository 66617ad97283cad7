import { homedir } from 'node:os';
import type { Clock } from '../system/clock.ts';
import { systemClock } from '../system/clock.ts';
import { printable } from '../system/printable.ts';
import type { Random } from '../system/random.ts';
import { systemRandom } from '../system/random.ts';
import { workingFolder } from '../system/working-folder.ts';
import { createOutput, type Output } from './output.ts';

/** Everything that a command needs of the process it runs in. */
export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Asks the person and waits for a line; null: nobody sits at a terminal. Empty when the person says nothing or breaks off. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Aborts when the person presses Ctrl-C or the process is told to end. */
  readonly interrupted: AbortSignal;
}

/** The context of the real process. Made once, by `main.ts`. */
export function processContext(interrupted: AbortSignal): CliContext {
  return {
    stdout: streamOutput(process.stdout),
    stderr: streamOutput(process.stderr),
    env: process.env,
    workingDirectory: workingFolder(),
    homeDirectory: homedir(),
    clock: systemClock,
    random: systemRandom,
    // Looked at when it is asked for: standard input is opened by that, and a daemon has no use for it.
    get ask() {
      const isAtTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
      return isAtTerminal ? (question: string) => askPerson(question, interrupted) : null;
    },
    interrupted,
  };
}

/** Line by line, as the terminal gives them: in raw mode Ctrl-C would be a character and not a signal. */
async function askPerson(question: string, interrupted: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline');
  if (interrupted.aborted) return '';
  return new Promise((resolve) => {
    process.stderr.write(printable(question));
    const lines = createInterface({ input: process.stdin, terminal: false });
    const close = () => lines.close();
    interrupted.addEventListener('abort', close, { once: true });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => {
      interrupted.removeEventListener('abort', close);
      process.stdin.pause();
      resolve('');
    });
  });
}

function streamOutput(stream: NodeJS.WriteStream): Output {
  return createOutput({
    write: (text) => void stream.write(text),
    get isTerminal() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
  });
}
