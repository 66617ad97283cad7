import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BundleType } from '../../src/protocol/specification.ts';

/** One input that nobody should trust. */
export interface HostileCase {
  readonly kind: BundleType | 'appspec';
  readonly bytes: Uint8Array;
  readonly keepOwnership?: boolean;
  readonly rejectSymlinks?: 'escaping';
}

export interface Outcome {
  /** `unpacked`, `accepted`, the code of the error, or the rule of an AppSpec file's first error. */
  readonly end: string;
  /** Fault that must never be, or null. */
  readonly problem: 'escape' | 'crash' | 'memory' | 'hang' | null;
  readonly detail: string;
}

/** Runs cases one after the other in a process of their own, which is replaced when one of them takes it down. */
export interface CaseRunner extends AsyncDisposable {
  run(one: HostileCase): Promise<Outcome>;
}

const CHILD = fileURLToPath(new URL('case-child.ts', import.meta.url));
/** Time that any case may take on a busy machine, the start of the process counted. */
const DEADLINE_MS = 20_000;

/** @param folder where cases unpack; each cleans up after itself */
export function createCaseRunner(folder: string): CaseRunner {
  let current: ChildProcess | null = null;

  function start(): ChildProcess {
    return fork(CHILD, [folder], { serialization: 'advanced', execArgv: ['--max-old-space-size=256'] });
  }

  async function end(child: ChildProcess): Promise<void> {
    current = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  return {
    async run(one) {
      current ??= start();
      const child = current;
      const outcome = await new Promise<Outcome>((resolve) => {
        const done = (result: Outcome) => {
          clearTimeout(timer);
          child.removeAllListeners();
          resolve(result);
        };
        const failed = (problem: 'crash' | 'hang', detail: string) => done({ end: problem, problem, detail });
        const timer = setTimeout(() => failed('hang', `not done after ${DEADLINE_MS} ms`), DEADLINE_MS);
        child.once('message', (message) => done(message as Outcome));
        child.once('error', (error) => failed('crash', error.message));
        child.once('exit', (code, signal) => failed('crash', `the process ended: ${code ?? signal}`));
        child.send(one);
      });
      // Its peak of memory, or its endless loop, would be the next case's.
      if (outcome.problem !== null && outcome.problem !== 'escape') await end(child);
      return outcome;
    },

    async [Symbol.asyncDispose]() {
      if (current !== null) await end(current);
    },
  };
}
