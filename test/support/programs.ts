/** Programs of the machine that a test or a measurement works with. */
import { findProgram } from '../../src/system/programs.ts';

/** Which of these programs are nowhere on the PATH, in the order given. */
export function missingPrograms(names: readonly string[], path = process.env['PATH']): readonly string[] {
  return names.filter((name) => findProgram(name, path) === null);
}

export function hasPrograms(...names: readonly string[]): boolean {
  return missingPrograms(names).length === 0;
}
