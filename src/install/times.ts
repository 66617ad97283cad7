/**
 * Times of what stays in place, noted before an Install and put back by a rollback.
 *
 * Node takes times as seconds in a double, which has steps of 240 ns in this century; there is no other call. So microseconds are kept
 * with it, and `touch`, which every host has, puts the nanoseconds right afterwards.
 */
import { execaSync } from 'execa';
import { systemErrorCode } from '../errors.ts';
import { programEnvironment } from '../system/program-environment.ts';
import { holdObject } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';

/** Nanoseconds since 1970 as text: no number holds them. */
export interface ObjectTimes {
  readonly path: string;
  readonly atimeNs: string;
  readonly mtimeNs: string;
}

/** Leaves out objects that are not there. No link is followed: a folder that a link leads to has a path that ends with a dot. */
export function timesOf(fs: InstallFs, paths: readonly string[]): ObjectTimes[] {
  return paths.flatMap((path) => {
    const stats = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return [];
    return { path, atimeNs: String(stats.atimeNs), mtimeNs: String(stats.mtimeNs) };
  });
}

/** Puts times back; what has gone in the meantime needs none. */
export function restoreTimes(fs: InstallFs, times: readonly ObjectTimes[]): void {
  const there = times.filter((time) => isChanged(fs, time));
  for (const { path, atimeNs, mtimeNs } of there) {
    fs.lutimesSync(path, inSeconds(BigInt(atimeNs)), inSeconds(BigInt(mtimeNs)));
  }
  for (let first = 0; first < there.length; first += TOUCHED_AT_ONCE) {
    restoreNanoseconds(fs, there.slice(first, first + TOUCHED_AT_ONCE));
  }
}

/** Objects that one program is given, all of which are held meanwhile. */
const TOUCHED_AT_ONCE = 128;

function restoreNanoseconds(fs: InstallFs, times: readonly ObjectTimes[]): void {
  using held = new DisposableStack();
  const words = times.flatMap(({ path, mtimeNs }) => [
    '-d',
    `@${inDecimalSeconds(BigInt(mtimeNs))}`,
    held.use(holdObject(fs, path)).path,
  ]);
  // Through standard input, because a command line has an end. Without these programs microseconds have to do.
  execaSync('xargs', ['-0', '-n', '3', 'touch', '-c', '-m'], {
    input: words.join('\0'),
    reject: false,
    env: programEnvironment(),
    extendEnv: false,
  });
}

/** A link that has come there since is left alone; and what is as it was, because a read-only file system takes no times. */
function isChanged(fs: InstallFs, { path, atimeNs, mtimeNs }: ObjectTimes): boolean {
  try {
    const now = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (now === undefined || now.isSymbolicLink()) return false;
    return String(now.mtimeNs) !== mtimeNs || String(now.atimeNs) !== atimeNs;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** The distance of two doubles between 2004 and 2038, as seconds since 1970. */
const STEP_SECONDS = 2 ** -22;

/** The double that the kernel gets the same microsecond from: the nearest one may lie just beyond its edge. */
export function inSeconds(ns: bigint): number {
  const nearest = Number(ns) / 1e9;
  const microseconds = (seconds: number) => {
    const whole = Math.floor(seconds);
    return BigInt(whole) * 1_000_000n + BigInt(Math.floor((seconds - whole) * 1e6));
  };
  const off = ns / 1000n - microseconds(nearest);
  return off === 0n ? nearest : nearest + (off > 0n ? STEP_SECONDS : -STEP_SECONDS);
}

function inDecimalSeconds(ns: bigint): string {
  const digits = String(ns < 0n ? -ns : ns).padStart(10, '0');
  return `${ns < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
