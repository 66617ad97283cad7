import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The topmost folder of the file system that a folder is on, or would be on if it were made. */
export function mountPointOf(folder: string): string {
  let at = folder;
  while (!existsSync(at)) at = dirname(at);
  const { dev } = statSync(at);
  while (at !== '/' && statSync(dirname(at)).dev === dev) at = dirname(at);
  return at;
}
