import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually } from './eventually.ts';

/** Writes an executable script and returns its path. */
export function writeScript(path: string, text: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Waits until so many process numbers stand in a file, one a line, as scripts write them there. */
export async function pidsIn(file: string, count: number): Promise<number[]> {
  const read = () =>
    existsSync(file) ? [...readFileSync(file, 'utf8').matchAll(/(\d+)\n/g)].map(([, pid]) => Number(pid)) : [];
  await eventually(() => read().length >= count);
  return read();
}
