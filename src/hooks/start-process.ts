import { type SpawnOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { messageOf } from '../errors.ts';
import { whyNotStarted } from '../system/programs.ts';
import type { CommandLine } from './command-line.ts';

export interface StartedProcess {
  readonly pid: number;
  /** Its streams by their numbers; null where it has a descriptor. */
  readonly stdio: readonly (Readable | unknown)[];
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

export type Start =
  | { readonly isStarted: true; readonly started: StartedProcess }
  | { readonly isStarted: false; readonly why: string };

/** Starts a program; whatever keeps it from starting is a value. */
export async function startProcess({ file, args }: CommandLine, options: SpawnOptions): Promise<Start> {
  try {
    const child = spawn(file, [...args], options);
    const exited = new Promise<Awaited<StartedProcess['exited']>>((resolve, reject) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
      child.on('error', reject);
    });
    const { pid, stdio } = child;
    // Without a process there is an error, and no exit.
    if (pid === undefined) throw await exited.catch((error: unknown) => error);
    return { isStarted: true, started: { pid, stdio, exited } };
  } catch (error) {
    return { isStarted: false, why: whyNotStarted(error, file, options.env?.['PATH']) ?? messageOf(error) };
  }
}
