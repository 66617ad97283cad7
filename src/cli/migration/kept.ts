/**
 * Copies of what a takeover replaces. They are on disk before it is replaced, so that every step can be undone, also one that was cut off.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolder, writeFileDurably } from '../../system/durable-file.ts';

/** One thing that going back does. The last one comes first. */
export type Undoing =
  | { readonly kind: 'restore'; readonly file: string; readonly copy: string }
  /** The file was not there before. */
  | { readonly kind: 'remove'; readonly file: string }
  | { readonly kind: 'put-back'; readonly file: string; readonly from: string }
  | { readonly kind: 'start-official'; readonly wasEnabled: boolean; readonly wasActive: boolean }
  | { readonly kind: 'stop-slipway' };

export interface KeptState {
  /** Noted down before the step that it undoes is taken. */
  note(undoing: Undoing): void;
  /** A name in the folder for a file. */
  placeFor(file: string): string;
}

const LIST = 'undo.json';

export function keepIn(folder: string): KeptState {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const noted: Undoing[] = [];
  return {
    note(undoing) {
      noted.push(undoing);
      writeFileDurably(join(folder, LIST), `${JSON.stringify(noted, null, 2)}\n`, 0o600);
    },
    placeFor: (file) => join(folder, file.replaceAll('/', '_')),
  };
}

/** @returns in the order in which they are to be done; null: nothing was taken over */
export function readKept(folder: string): readonly Undoing[] | null {
  const list = join(folder, LIST);
  if (!existsSync(folder)) return null;
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Undoing[]).reverse() : [];
}

/** With owner and mode: the key of an on-premises host stays as secret as it was. */
export function copyKept(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from);
  const temporary = `${to}.new`;
  rmSync(temporary, { force: true });
  copyFileSync(from, temporary);
  if (process.getuid?.() === 0) chownSync(temporary, uid, gid);
  chmodSync(temporary, mode & 0o7777);
  renameSync(temporary, to);
  syncFolder(dirname(to));
}
