/** Where an order stands that a program of the operator's carries out, and what the program's end means. Pure. */
import type { Program } from '../outside/fleet-programs.ts';

/** Memory of an order from one run of its program to the next. */
export interface ProgramMemory {
  /** When the program was first run; null: not yet. */
  readonly begunAtMs: number | null;
  /** Written before a run and taken back after it. Found set, nobody saw how the run ended: its server was killed. */
  readonly isRunning: boolean;
  readonly runs: number;
}

export const NOT_RUN: ProgramMemory = { begunAtMs: null, isRunning: false, runs: 0 };

/** How one run has ended, as far as it is known. */
export interface ProgramRun {
  /** null: it was ended, or could not be started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The end of all that it wrote, or why there is no exit status. */
  readonly said: string;
}

/** EX_TEMPFAIL of sysexits.h: the program is not done, and asks to be run again. */
const NOT_YET = 75;

export type BeforeRun =
  | { readonly may: 'run'; readonly leftMs: number }
  | { readonly may: 'not'; readonly why: string };

/** Whether a program may be run now, and how long it may take at most. */
export function beforeRun(memory: ProgramMemory, { limitMs, mayRunAgain }: Program, nowMs: number): BeforeRun {
  if (memory.isRunning && !mayRunAgain) {
    const why =
      'The server was ended while the program ran, so it is not known what it has done. ' +
      'It is not run again, because the file behind --fleets does not say mayRunAgain.';
    return { may: 'not', why };
  }
  const leftMs = (memory.begunAtMs ?? nowMs) + limitMs - nowMs;
  if (leftMs > 0) return { may: 'run', leftMs };
  return { may: 'not', why: `The program was not done within ${limitMs / 1000} seconds, in ${memory.runs} runs.` };
}

export type AfterRun =
  | { readonly is: 'done' }
  | { readonly is: 'not-yet'; readonly inMs: number }
  | { readonly is: 'failed' };

export function afterRun({ exitCode }: ProgramRun, runs: number): AfterRun {
  if (exitCode === 0) return { is: 'done' };
  if (exitCode !== NOT_YET) return { is: 'failed' };
  return { is: 'not-yet', inMs: Math.min(30_000, 1_000 * 2 ** Math.min(runs, 5)) };
}

/** Which hosts a program has made: these, or so many. */
export type MadeHosts = { readonly hosts: readonly string[] } | { readonly count: number };

/**
 * Reads the last line of what a provision program printed: `{"hosts": ["web-3"]}` or `{"count": 2}`. Everything before it, and any other last line,
 * is for people.
 *
 * @returns null: it says neither
 */
export function madeHostsOf(stdout: string): MadeHosts | null {
  let value: unknown;
  try {
    value = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return null;
  }
  const { hosts, count } = (value ?? {}) as { readonly hosts?: unknown; readonly count?: unknown };
  if (Array.isArray(hosts) && hosts.length > 0 && hosts.every((name) => typeof name === 'string')) return { hosts };
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? { count } : null;
}

/** Hosts that are still waited for. */
export interface MissingHosts {
  readonly count: number;
  /** Of those whose names are known. */
  readonly names: readonly string[];
}

/** A program may say any count: nothing is made of it but a number. */
export function missingHosts(made: MadeHosts, enrolled: readonly string[]): MissingHosts {
  if ('count' in made) return { count: Math.max(0, made.count - enrolled.length), names: [] };
  const known = new Set(enrolled);
  const names = made.hosts.filter((name) => !known.has(name));
  return { count: names.length, names };
}
