import { systemAttributeTools } from '../../src/install/attribute-tools.ts';
import type { AttributeTools } from '../../src/install/attributes.ts';
import { type InstallFs, realInstallFs } from '../../src/install/install-fs.ts';
import { changesDisk } from './faults/changing-calls.ts';

/** The real disk and the real programs, on which something happens at one of the changing calls. */
export interface WatchedFs {
  readonly fs: InstallFs;
  readonly tools: AttributeTools;
  /** Changing calls so far. */
  calls(): number;
}

/** @param before is told the number of each changing call, from 1, before it is made; what it throws, the call throws */
export function watchedFs(before: (call: number, name: string, args: readonly unknown[]) => void): WatchedFs {
  let calls = 0;
  const watch = <T extends object>(real: T, isWatched: (name: string, args: readonly unknown[]) => boolean): T =>
    Object.fromEntries(
      Object.entries(real).map(([name, original]) => [
        name,
        (...args: unknown[]) => {
          if (isWatched(name, args)) {
            calls += 1;
            before(calls, name, args);
          }
          return (original as (...args: unknown[]) => unknown)(...args);
        },
      ]),
    ) as T;
  return {
    fs: watch(realInstallFs, changesDisk),
    tools: watch(systemAttributeTools, (name) => /^(set|restore|drop)/.test(name)),
    calls: () => calls,
  };
}

/** The error that a full or broken disk gives. */
export function diskError(code: 'ENOSPC' | 'EIO' | 'EACCES'): Error {
  return Object.assign(new Error(`${code}: injected by a test`), { code, errno: -1, syscall: 'test' });
}
