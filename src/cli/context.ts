import { homedir } from 'node:os';
import type { Clock } from '../system/clock.ts';
import { systemClock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { systemRandom } from '../system/random.ts';

/** Where a command's words go. */
export interface Output {
  write(text: string): void;
  /** Whether a person is looking: colours and moving lines are for them only. */
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** Everything that a command needs of the process it runs in. */
export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the person presses Ctrl-C or the process is told to end. */
  readonly interrupted: AbortSignal;
}

/** The context of the real process. Made once, by `main.ts`. */
export function processContext(interrupted: AbortSignal): CliContext {
  return {
    stdout: streamOutput(process.stdout),
    stderr: streamOutput(process.stderr),
    env: process.env,
    workingDirectory: process.cwd(),
    homeDirectory: homedir(),
    clock: systemClock,
    random: systemRandom,
    interrupted,
  };
}

function streamOutput(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTerminal() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
  };
}
