import { mkdirSync } from 'node:fs';
import { buildProgram } from '../support/built-program.ts';
import type { ScratchFolder } from '../support/scratch.ts';

/**
 * The program that is measured, as users have it. Run from the sources, Node would strip types, and the server would not choose Node's
 * options for itself.
 *
 * @returns path of the command
 */
export function builtServer(scratch: ScratchFolder): Promise<string> {
  const folder = scratch.at('program');
  mkdirSync(folder);
  return buildProgram(folder);
}
