/** Files of a package as values, and a folder that they are laid out in. */
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface Entry {
  /** Where it stands on a host, absolute. */
  readonly path: string;
  readonly mode: number;
  readonly content: { readonly from: string } | { readonly bytes: string | Uint8Array } | { readonly linkTo: string };
}

export function textEntry(path: string, text: string, mode = 0o644): Entry {
  return { path, mode, content: { bytes: text } };
}

/**
 * Lays the entries out below a folder. Times and modes follow from the arguments alone, so that two builds of one commit are the same.
 *
 * @param timeSeconds of every file, since the epoch
 */
export function layOut(folder: string, entries: readonly Entry[], timeSeconds: number): void {
  for (const { path, mode, content } of entries) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if ('linkTo' in content) {
      symlinkSync(content.linkTo, target);
      continue;
    }
    if ('from' in content) copyFileSync(content.from, target);
    else writeFileSync(target, content.bytes);
    chmodSync(target, mode);
  }
  settle(folder, timeSeconds);
}

/** A umask may have taken rights from folders, and each file that came changed the time of its folder. */
function settle(folder: string, timeSeconds: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settle(path, timeSeconds);
    else if (entry.isSymbolicLink()) lutimesSync(path, timeSeconds, timeSeconds);
    else utimesSync(path, timeSeconds, timeSeconds);
  }
  chmodSync(folder, 0o755);
  utimesSync(folder, timeSeconds, timeSeconds);
}
