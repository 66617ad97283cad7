/** Small files of a revision that are written together, by one thread or another. */
import { type NewFile, writeNew } from './new-file.ts';

/** Plain data, because it may have to go to another thread. */
export interface FileBatch {
  readonly files: readonly (NewFile & { readonly from: number; readonly to: number })[];
  /** Content of all, each from `from` to `to`. Nobody changes it before the batch is written. */
  readonly content: Uint8Array<SharedArrayBuffer>;
}

/** @throws SlipwayError ARCHIVE_… naming the entry; then what is left of the batch is not written */
export function writeBatch({ files, content }: FileBatch, grantedBits: number): void {
  for (const file of files) writeNew(file, content.subarray(file.from, file.to), grantedBits);
}
