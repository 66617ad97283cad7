/**
 * How fast commands are asked for, judged by what the ones before came to.
 *
 * A server of an attacker, or a broken one, may answer each poll at once with a command that cannot be carried out. Each of them in a row
 * doubles the pause between two polls, from one second to thirty. One command that was carried out, and whose outcome the endpoint took,
 * ends the pause. Only a few commands are asked for at once before it is known that their specifications are genuine.
 */
import type { Clock } from '../system/clock.ts';
import type { ReportAnswer } from './outbox.ts';

/**
 * Ending of a command.
 *
 *   ran       it was carried out, whether it succeeded or failed; what that was worth, the endpoint says when it is told
 *   noop      the event has no scripts here, and the server was told so: this says nothing about the server
 *   left      there was no place for it; the control endpoint may hand it out again
 *   useless   nothing was carried out, or what had been carried out before
 */
export type CommandEnding = 'ran' | 'noop' | 'left' | 'useless';

/** A command on its way. */
export interface TakenCommand {
  /** Its specification is genuine and meant for it. */
  proven(): void;
  /** The endpoint was told how it ended, having carried it out. */
  reported(answer: ReportAnswer): void;
  ended(ending: CommandEnding): void;
}

export interface Pace {
  /** A command is begun. */
  take(): TakenCommand;
  /** A poll brought what is no command for this host, or one that has ended. */
  useless(): void;
  /** Waits until the next poll may begin. @param startedMs when the last one began; epoch milliseconds */
  wait(startedMs: number, signal: AbortSignal): Promise<void>;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A server that has commands for more groups at once waits a moment for each further one. */
const UNPROVEN = 4;
const CROWDED_MS = 1_000;
const LEFT_WITHOUT_GROWTH = 8;

/** How long from poll to poll after useless commands in a row; milliseconds. Pure. */
export function uselessPauseMs(inARow: number): number {
  return inARow === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** Math.min(inARow - 1, 10), LONGEST_PAUSE_MS);
}

/**
 * The same after commands in a row for which there was no place; milliseconds. Pure. Behind the commands of one group there may be another
 * group's, so that the pause grows late.
 */
export function leftPauseMs(inARow: number): number {
  return inARow === 0 ? 0 : uselessPauseMs(Math.max(1, inARow - LEFT_WITHOUT_GROWTH));
}

export function createPace(clock: Clock): Pace {
  let uselessInARow = 0;
  let unproven = 0;
  let leftInARow = 0;
  let changed = Promise.withResolvers<void>();
  const tellChanged = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const useless = () => {
    uselessInARow += 1;
    tellChanged();
  };
  return {
    take() {
      let isProven = false;
      unproven += 1;
      const proven = () => {
        if (isProven) return;
        isProven = true;
        unproven -= 1;
        tellChanged();
      };
      return {
        proven,
        reported(answer) {
          if (answer === 'refused') return useless();
          uselessInARow = 0;
          leftInARow = 0;
          tellChanged();
        },
        ended(ending) {
          if (ending === 'useless') useless();
          if (ending === 'left') leftInARow += 1;
          if (ending === 'noop') leftInARow = 0;
          proven();
          tellChanged();
        },
      };
    },
    useless,
    async wait(startedMs, signal) {
      const beganMs = clock.now();
      while (!signal.aborted) {
        const pausedUntilMs = startedMs + Math.max(uselessPauseMs(uselessInARow), leftPauseMs(leftInARow));
        const crowdedUntilMs = unproven > (leftInARow > 0 ? 0 : UNPROVEN) ? beganMs + CROWDED_MS : 0;
        const leftMs = Math.max(pausedUntilMs, crowdedUntilMs) - clock.now();
        // A clock that was set back must not make the pause longer than it is.
        if (leftMs <= 0 || leftMs > LONGEST_PAUSE_MS) return;
        const over = new AbortController();
        await Promise.race([clock.sleep(leftMs, AbortSignal.any([signal, over.signal])), changed.promise]);
        over.abort();
      }
    },
  };
}
