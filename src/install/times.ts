/**
 * Times of what stays in place, noted before an Install and put back by a rollback.
 *
 * Node takes times as seconds in a double, which has steps of 240 ns in this century; there is no other call. So microseconds are kept
 * with it, and `touch`, which every host has, puts the nanoseconds right afterwards.
 */
import { execaSync } from 'execa';
import type { InstallFs } from './install-fs.ts';

/** Nanoseconds since 1970 as text: no number holds them. */
export interface ObjectTimes {
  readonly path: string;
  readonly atimeNs: string;
  readonly mtimeNs: string;
}

/** What is not there is left out. Links are followed now, and none when the times are put back: somebody may plant one until then. */
export function timesOf(fs: InstallFs, paths: readonly string[]): ObjectTimes[] {
  return paths.flatMap((path) => {
    if (!fs.existsSync(path)) return [];
    const real = fs.realpathSync(path);
    const { atimeNs, mtimeNs } = fs.lstatSync(real, { bigint: true });
    return { path: real, atimeNs: String(atimeNs), mtimeNs: String(mtimeNs) };
  });
}

/** Puts times back; what has gone in the meantime needs none. */
export function restoreTimes(fs: InstallFs, times: readonly ObjectTimes[]): void {
  const there = times.filter(({ path }) => fs.existsSync(path));
  for (const { path, atimeNs, mtimeNs } of there) {
    fs.lutimesSync(path, inSeconds(BigInt(atimeNs)), inSeconds(BigInt(mtimeNs)));
  }
  if (there.length === 0) return;
  // Through standard input, because a command line has an end. Without these programs microseconds have to do.
  const input = there.map(({ path, mtimeNs }) => `-d\0@${inDecimalSeconds(BigInt(mtimeNs))}\0${path}\0`).join('');
  execaSync('xargs', ['-0', '-n', '3', 'touch', '-c', '-h', '-m'], { input, reject: false });
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
