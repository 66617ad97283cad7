/** The calls of `node:fs` that change the disk, and how a test gets between them and the program; looking is free. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export const CHANGING_CALLS: readonly string[] = [
  'chmodSync',
  'chownSync',
  'copyFileSync',
  'fchmodSync',
  'fchownSync',
  'fsync',
  'fsyncSync',
  'ftruncateSync',
  'futimesSync',
  'lchownSync',
  'linkSync',
  'lutimesSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmdirSync',
  'rmSync',
  'symlinkSync',
  'unlinkSync',
  'utimesSync',
  'writeSync',
];

/** Whether a call changes the disk. A file that is only read is opened as well. */
export function changesDisk(name: string, args: readonly unknown[]): boolean {
  if (name !== 'openSync') return CHANGING_CALLS.includes(name);
  const [, flags] = args;
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
  return flags !== undefined && flags !== 'r';
}

/** A call on `path`, which is that of the file behind a descriptor, too. */
export interface DiskCall {
  readonly name: string;
  readonly path: string;
  readonly args: readonly unknown[];
}

/**
 * Puts itself between all of this process and `node:fs`.
 *
 * @param before is told each call that changes the disk before it is made; what it throws, the call throws
 */
export function watchDisk(before: (call: DiskCall) => void, after: (call: DiskCall) => void = () => undefined): void {
  const paths = new Map<number, string>();
  const calls = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of CHANGING_CALLS) {
    const original = calls[name];
    if (original === undefined) throw new Error(`node:fs has no ${name}`);
    calls[name] = (...args) => {
      const [first] = args;
      const call = { name, args, path: typeof first === 'number' ? (paths.get(first) ?? '') : String(first) };
      const changes = changesDisk(name, args);
      if (changes) before(call);
      const result = original.apply(fs, args);
      if (name === 'openSync') paths.set(result as number, call.path);
      if (changes) after(call);
      return result;
    };
  }
  syncBuiltinESMExports();
}
