/**
 * Shares out the small files of a revision: this thread reads the archive and writes some of them, a second one writes the others beside it.
 * Making twenty thousand files takes far longer than reading what they hold.
 */
import type { BatchThread } from '../system/batch-thread.ts';
import { type FileBatch, writeBatch } from './file-batch.ts';
import type { NewFile } from './new-file.ts';
import { archiveError } from './problems.ts';

/** A thread that writes batches of files. */
export type SecondWriter = BatchThread<FileBatch>;

/** Starts second writers. */
export interface SecondWriters {
  /** From so many files on, the thread's work saves more than its start takes. */
  readonly leastFiles: number;
  /** @returns null: there can be none now */
  start(grantedBits: number): SecondWriter | null;
}

export interface SmallFiles extends AsyncDisposable {
  /** Counts a file. @returns whether it may be given to `add`: there is a second thread, and it is at work */
  takesNext(): boolean;
  /** Writes a file soon. @throws SlipwayError ARCHIVE_… for one that was added before */
  add(file: NewFile, content: Uint8Array): void;
  /** Everything that was added is written when this returns. @throws SlipwayError ARCHIVE_… when something could not be */
  writeAllNow(): void;
  /** The same. Nothing may be added after it. @throws SlipwayError ARCHIVE_… that says why something could not be written */
  settled(): Promise<void>;
  /** Writes nothing more, and waits until nothing is being written. @returns why the second thread could not go on, if it could not */
  abandon(): Promise<unknown>;
}

/** Largest file that goes into a batch, in bytes. */
export const SMALL_BYTES = 64 * 1024;
const BATCH_BYTES = 1024 * 1024;
/** One batch to work on, and one to find when that is done. */
const BATCHES_AHEAD = 2;
/** So many that handing them over does not count, and so few that nobody waits long for the other at the end. */
const BATCH_LENGTH = 64;
/** A folder with more than that is divided anyway: two threads in one folder wait for each other in the kernel. */
const MOST_LENGTH = 256;

/** @param writers undefined: this thread writes everything, and `add` is not to be called */
export function createSmallFiles(writers: SecondWriters | undefined, grantedBits: number): SmallFiles {
  let counted = 0;
  let second: SecondWriter | null | undefined;
  let buffers: Uint8Array<SharedArrayBuffer>[] = [];
  let files: FileBatch['files'][number][] = [];
  let used = 0;
  let folder = '';

  const start = () => {
    second = writers?.start(grantedBits) ?? null;
    // One more than the other thread may hold: before it takes one, it is through with the one that comes round again.
    const bytes = BATCH_BYTES + SMALL_BYTES;
    if (second !== null) {
      buffers = Array.from({ length: BATCHES_AHEAD + 1 }, () => new Uint8Array(new SharedArrayBuffer(bytes)));
    }
  };
  const current = (): Uint8Array<SharedArrayBuffer> => {
    const [first] = buffers;
    if (first === undefined) throw new Error('a file was put into a batch where there is no second thread');
    return first;
  };
  /** Why it failed is told by `abandon`. */
  const requireSecond = () => {
    if (second?.hasFailed() === true) throw archiveError('ARCHIVE_CANNOT_WRITE', null, 'cannot be written');
  };
  const giveAway = (batch: FileBatch) => {
    second?.take(batch);
    buffers = [...buffers.slice(1), batch.content];
  };
  const write = () => {
    const batch: FileBatch = { files, content: current() };
    files = [];
    used = 0;
    requireSecond();
    if (second?.mayTake(BATCHES_AHEAD) === true) giveAway(batch);
    else writeBatch(batch, grantedBits);
  };
  const writeRest = () => {
    if (files.length > 0) writeBatch({ files, content: current() }, grantedBits);
    files = [];
    used = 0;
  };
  return {
    takesNext() {
      counted += 1;
      if (second === undefined && writers !== undefined && counted >= writers.leastFiles) start();
      return second?.mayTake(Number.POSITIVE_INFINITY) === true;
    },
    add(file, content) {
      const parent = file.path.slice(0, file.path.lastIndexOf('/'));
      const isFull = files.length >= MOST_LENGTH || (files.length >= BATCH_LENGTH && parent !== folder);
      if (isFull || used >= BATCH_BYTES) write();
      folder = parent;
      const from = used;
      current().set(content, used);
      used += content.length;
      files.push({ ...file, from, to: used });
    },
    writeAllNow() {
      writeRest();
      second?.settleNow();
      requireSecond();
    },
    async settled() {
      writeRest();
      await second?.settled();
    },
    async abandon() {
      second?.stop();
      return second?.settled().then(
        () => undefined,
        (fault: unknown) => fault,
      );
    },
    async [Symbol.asyncDispose]() {
      await second?.[Symbol.asyncDispose]();
    },
  };
}
