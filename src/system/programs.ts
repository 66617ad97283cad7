import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

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
