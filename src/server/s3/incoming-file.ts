/** Content on its way into the store: a file that is nobody's until it is complete and on the disk. */
import { createHash } from 'node:crypto';
import { close, fsync, openSync, write } from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface IncomingFile {
  readonly sizeBytes: number;
  /** Where it lies for now. */
  readonly path: string;
  /** Takes a piece, which must stay as it is until it is flushed. */
  write(chunk: Uint8Array): void;
  /** Writes what was taken, and meanwhile everybody else is served: a disk that is busy makes writers wait. */
  flush(): Promise<void>;
  /** The MD5 of what was taken, in hex. */
  md5(): string;
  /** Waits until it is on the disk, which may take seconds, and meanwhile everybody else is served. Nothing is written afterwards. */
  settle(): Promise<void>;
  /** Removes it unless it has got another place. */
  discard(): Promise<void>;
}

const writeFile = promisify(write);
const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** @param path of a file that does not exist */
export function openIncoming(path: string): IncomingFile {
  let file: number | null = openSync(path, 'wx', 0o600);
  const hash = createHash('md5');
  let sum: string | null = null;
  let sizeBytes = 0;
  let pending: Uint8Array[] = [];
  // One call at a time. Who gives the file up waits for it: its number may be another file's as soon as it is closed.
  let underWay: Promise<void> = Promise.resolve();
  const next = (call: (open: number) => Promise<void>): Promise<void> => {
    const turn = underWay.then(async () => {
      if (file !== null) await call(file);
    });
    underWay = turn.catch(() => undefined);
    return turn;
  };
  const writePending = async (open: number) => {
    const pieces = pending;
    pending = [];
    for (const piece of pieces)
      for (let written = 0; written < piece.length; )
        written += (await writeFile(open, piece, written, piece.length - written)).bytesWritten;
  };
  const closeOnce = async (open: number) => {
    file = null;
    await closeFile(open);
  };
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    write(chunk) {
      if (file === null) throw new Error('the content is complete already');
      pending.push(chunk);
      hash.update(chunk);
      sizeBytes += chunk.length;
    },
    flush: () => next(writePending),
    md5() {
      sum ??= hash.digest('hex');
      return sum;
    },
    settle: () =>
      next(async (open) => {
        await writePending(open);
        await syncFile(open);
        await closeOnce(open);
      }),
    async discard() {
      await next(closeOnce);
      await rm(path, { force: true });
    },
  };
}
