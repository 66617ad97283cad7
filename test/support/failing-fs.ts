import { type InstallFs, realInstallFs } from '../../src/install/install-fs.ts';
import { CHANGING_CALLS } from './faults/changing-calls.ts';

/** The real disk, on which something happens at one of the changing calls. */
export interface WatchedFs {
  readonly fs: InstallFs;
  /** Changing calls so far. */
  calls(): number;
}

/** @param before is told the number of each changing call, from 1, before it is made; what it throws, the call throws */
export function watchedFs(before: (call: number, name: string) => void): WatchedFs {
  let calls = 0;
  const watched = Object.fromEntries(
    Object.entries(realInstallFs).map(([name, original]) => [
      name,
      !CHANGING_CALLS.includes(name)
        ? original
        : (...args: unknown[]) => {
            calls += 1;
            before(calls, name);
            return (original as (...args: unknown[]) => unknown)(...args);
          },
    ]),
  );
  return { fs: watched as unknown as InstallFs, calls: () => calls };
}

/** The error that a full or broken disk gives. */
export function diskError(code: 'ENOSPC' | 'EIO' | 'EACCES'): Error {
  return Object.assign(new Error(`${code}: injected by a test`), { code, errno: -1, syscall: 'test' });
}
