/**
 * Pipes for scripts, made for several scripts at a time. Making them starts a program, which takes as long as many a script. And a process
 * that runs one event mostly runs the next ones, too. Left-over pipes are open descriptors without names, which go with the process.
 */
import { closePipe, makePipes, type OutputPipe, outputPipe, type PipeEnds } from './output-pipe.ts';

export interface PipeSupply extends Disposable {
  /** The pipes of one script. @throws Error when none can be made */
  take(): Promise<ScriptPipes>;
  /**
   * Makes new ones when the last have been taken, while nobody waits for them. If they cannot be made, the next `take` reports the fault.
   */
  refill(): Promise<void>;
}

export type ScriptPipes = Readonly<Record<'stdout' | 'stderr', OutputPipe>>;

/** As many as a deployment with one script for each event needs. */
const SCRIPTS_AT_ONCE = 5;

/** @param ownFolder as of `makePipes` */
export function createPipeSupply(ownFolder: string | null): PipeSupply {
  const spare: (readonly [PipeEnds, PipeEnds])[] = [];
  let underWay: Promise<void> | null = null;
  let isUsed = false;
  const make = async () => {
    const names = Array.from({ length: SCRIPTS_AT_ONCE }, (_, n) => [`stdout-${n}`, `stderr-${n}`]).flat();
    const made = await makePipes(names, ownFolder);
    for (let n = 0; n < made.length; n += 2) spare.push([made[n] as PipeEnds, made[n + 1] as PipeEnds]);
  };
  const makeOnce = () => {
    underWay ??= make().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  return {
    async take() {
      isUsed = true;
      while (spare.length === 0) await makeOnce();
      const [stdout, stderr] = spare.pop() as readonly [PipeEnds, PipeEnds];
      return { stdout: outputPipe(stdout), stderr: outputPipe(stderr) };
    },
    async refill() {
      // Where no script has run, none may ever run.
      if (isUsed && spare.length === 0) await makeOnce().catch(() => undefined);
    },
    [Symbol.dispose]() {
      for (const ends of spare.splice(0).flat()) closePipe(ends);
    },
  };
}
