import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { programEnvironment } from './program-environment.ts';
import { installationOf, isSystemProgram, SYSTEM_PROGRAMS, type SystemProgram } from './program-table.ts';

/** @returns the path of a program that can be started: the path itself, or a name as PATH finds it; null: there is none */
export function findProgram(program: string, path: string | undefined): string | null {
  if (program.includes('/')) return isProgram(program) ? program : null;
  const folders = (path ?? '/usr/bin:/bin').split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => join(folder, program)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * For what is to be seen before anything is changed.
 *
 * @throws SlipwayError PROGRAM_MISSING where PATH has no such program
 */
export function requireProgram(program: SystemProgram, path = programEnvironment()['PATH']): void {
  if (findProgram(program, path) === null) throw missingProgram(program, path);
}

/** @param path the PATH that it was looked for in */
export function missingProgram(program: SystemProgram, path = programEnvironment()['PATH']): SlipwayError {
  const { purpose } = SYSTEM_PROGRAMS[program];
  return new SlipwayError(
    'PROGRAM_MISSING',
    `${purpose} needs the program ${program}, which is in none of the folders of PATH (${path})`,
    {
      remedy: `${installationOf(program)}; or, where it is there, put its folder into PATH of the service or the shell.`,
    },
  );
}

/** Why a program could not be started, for people: of one that is missing what needs it, and what to do. */
export function whyNotStarted(error: unknown, program: string, path: string | undefined): string | null {
  if (systemErrorCode(error) !== 'ENOENT' || !isSystemProgram(program)) return null;
  const { message, remedy } = missingProgram(program, path);
  return `${message}. ${remedy}`;
}
