/**
 * The program that tests start as processes. A test run builds it once, as a package has it: a command of the built program takes a third
 * of the processor time that the sources take, and hundreds of them are started. It is also what users run.
 */
import { fileURLToPath } from 'node:url';

/** The variable with the built program's `bin/slipway.js`. */
export const BUILT_PROGRAM = 'SLIPWAY_TEST_PROGRAM';

/** A checkout's own, which runs the sources. */
export const SOURCE_PROGRAM = fileURLToPath(new URL('../../bin/slipway.js', import.meta.url));

export function slipwayProgram(): string {
  return process.env[BUILT_PROGRAM] ?? SOURCE_PROGRAM;
}
