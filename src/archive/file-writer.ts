/** Writes the files of a revision, one after the other: small ones in batches where there is a second thread, all others at once. */
import { closeSync, ftruncateSync } from 'node:fs';
import { copyContent, type ShareContent } from './copy-content.ts';
import { finishNew, type NewFile, openNew } from './new-file.ts';
import { onDisk, writeAll } from './on-disk.ts';
import { SMALL_BYTES, type SmallFiles } from './small-files.ts';

/** A file that is being written. */
export interface WritableFile {
  write(content: Uint8Array): void;
  /** Goes on behind so many bytes that are zero and take no room. They count as content: a copy of the file may fill them. */
  hole(bytes: number): void;
  close(): void;
}

export interface OpenFile extends WritableFile {
  /** Copies all of another open file, from its beginning, instead of writing. */
  copy(from: number, bytes: number): void;
}

export interface FileWriter {
  /**
   * Begins a file; the one before is closed.
   *
   * @param grow is told of all content before it is written
   */
  begin(file: NewFile, grow: (bytes: number) => void): OpenFile;
  /** Lets go of a file that is still open. */
  abandon(): void;
}

/** @param grantedBits permission bits that a new file really gets here when it asks for all */
export function createFileWriter(grantedBits: number, small: SmallFiles): FileWriter {
  const share: ShareContent = { isRefused: false };
  /** The beginning of a file that may be small. */
  const held = new Uint8Array(SMALL_BYTES);
  let open: number | null = null;

  function begin(facts: NewFile, grow: (bytes: number) => void): OpenFile {
    const { name } = facts;
    let isHeld = small.takesNext();
    let length = 0;
    /** Where the next write goes; null: where the last one ended. */
    let position: number | null = null;
    let isShared = false;
    if (!isHeld) open = openNew(facts);
    /** From here on the file is written here. */
    const opened = (): number => {
      open ??= openNew(facts);
      if (isHeld) onDisk(name, () => writeAll(open ?? 0, held.subarray(0, length), null));
      isHeld = false;
      return open;
    };
    return {
      write(content) {
        grow(content.length);
        if (isHeld && length + content.length <= SMALL_BYTES) held.set(content, length);
        else {
          const file = opened();
          const at = position === null ? null : length;
          onDisk(name, () => writeAll(file, content, at));
        }
        length += content.length;
      },
      hole(bytes) {
        grow(bytes);
        opened();
        length += bytes;
        position = length;
      },
      copy(from, bytes) {
        grow(bytes);
        const file = opened();
        length += bytes;
        onDisk(name, () => {
          isShared = copyContent(from, file, bytes, share);
        });
      },
      close() {
        if (isHeld) {
          small.add(facts, held.subarray(0, length));
          return;
        }
        const file = opened();
        open = null;
        try {
          onDisk(name, () => {
            if (position !== null) ftruncateSync(file, length);
            finishNew(file, facts, grantedBits, isShared);
          });
        } finally {
          closeSync(file);
        }
      },
    };
  }

  return {
    begin,
    abandon() {
      if (open !== null) closeSync(open);
      open = null;
    },
  };
}
