import { execa, execaSync } from 'execa';
import type { ScratchFolder } from '../support/scratch.ts';
import { type ControlServer, cleanEnvironment, type Environment } from '../support/slipway.ts';

/** A program that speaks S3. */
export interface Tool {
  readonly name: string;
  /** The first of its names that runs; null: it is not installed. */
  readonly program: string | null;
  steps(ground: ToolGround): readonly Step[];
}

export interface ToolGround {
  readonly server: ControlServer;
  /** Another one, which speaks TLS, and the file of the authority that it is trusted by. */
  readonly secured: { readonly server: ControlServer; readonly caFile: string };
  readonly scratch: ScratchFolder;
}

export interface Step {
  readonly name: string;
  /** Throws when the tool did not do what it should. */
  run(): Promise<void>;
}

/** Longer takes no step; milliseconds. */
const LIMIT_MS = 120_000;

/** The first of several names under which a program runs: one on the PATH may be a stub that has nothing behind it. */
export function programOf(...names: readonly string[]): string | null {
  return names.find((name) => !execaSync(name, ['--version'], { reject: false }).failed) ?? null;
}

/** @returns a function that runs the program with arguments, and gives its standard output; it throws when the program fails */
export function runner(program: string | null, env: Environment): (...args: readonly string[]) => Promise<string> {
  const options = { env: { ...cleanEnvironment(), ...env }, extendEnv: false, timeout: LIMIT_MS };
  return async (...args) => (await execa(program ?? '', args, options)).stdout;
}
