import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { bootId } from '../system/boot-id.ts';
import { mayStillRun, startTimeOf } from '../system/processes.ts';
import { type ByteRange, countBytes, joinRanges } from './byte-ranges.ts';

/** Which object it is that a part is of. */
export interface ObjectFacts {
  /** Where it comes from; the same text for the same place, with no secret in it. */
  readonly source: string;
  /** Strong ETag: it differs for each content at that place. */
  readonly validator: string;
  readonly sizeBytes: number;
}

/**
 * A bundle in the making, `bundle.tar.part`: under another name, closed to other users, until it is whole. A half-written file is never
 * found under the bundle's name.
 *
 * Beside it `bundle.tar.part.json` notes which object it is of and which bytes are here, so that a later process can go on. Neither file is
 * synced to disk: only a power cut would show the difference. The note names the boot that wrote it, and counts in no other.
 */
export interface BundlePart {
  /** null: nothing is known yet, or nothing that another process could go on with. */
  readonly object: ObjectFacts | null;
  readonly done: readonly ByteRange[];
  readonly receivedBytes: number;
  /** Begins with nothing. @param object null: what breaks off must begin anew */
  begin(object: ObjectFacts | null): void;
  write(position: number, chunk: Uint8Array): void;
  /** Reads back what was written. @returns how many bytes were read */
  read(position: number, into: Uint8Array): number;
  /** Writes down how far it is. */
  note(): void;
  /** Puts the bundle in place. */
  finish(): void;
  /** Lets go of it, so that another process can go on; without a noted object nothing stays. Harmless after `finish`. */
  keep(): void;
  /** Throws away what there is; harmless after `finish`. */
  discard(): void;
}

interface PartNote extends ObjectFacts {
  readonly boot: string;
  readonly owner: { readonly pid: number; readonly startTime: string | null };
  readonly done: readonly ByteRange[];
}

export function partFileOf(bundleFile: string): string {
  return `${bundleFile}.part`;
}

export function noteFileOf(partFile: string): string {
  return `${partFile}.json`;
}

/**
 * @param earlier parts that downloads before this one have left; one of the same source becomes this download's, wherever it is
 * @throws SlipwayError REVISION_DISK_FULL, REVISION_CANNOT_WRITE
 */
export function openBundlePart(bundleFile: string, source: string, earlier: readonly string[]): BundlePart {
  const partFile = partFileOf(bundleFile);
  const noteFile = noteFileOf(partFile);
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw writeFault(bundleFile, cause);
    }
  };
  const adopted = guard(() => adopt([partFile, ...earlier], source, partFile));
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | (adopted === null ? constants.O_CREAT | constants.O_EXCL : 0);
  let file: number | null = guard(() => openSync(partFile, flags, 0o600));
  let object: ObjectFacts | null = adopted;
  let done: readonly ByteRange[] = adopted?.done ?? [];

  const open = (): number => {
    if (file === null) throw new Error('the bundle is finished already');
    return file;
  };
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  const note = () => {
    if (object === null) return;
    const owner = { pid: process.pid, startTime: startTimeOf(process.pid) };
    const content: PartNote = { ...object, boot: bootId(), owner, done };
    const temporary = `${noteFile}.tmp`;
    writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 });
    renameSync(temporary, noteFile);
  };
  const part: BundlePart = {
    get object() {
      return object;
    },
    get done() {
      return done;
    },
    get receivedBytes() {
      return countBytes(done);
    },
    begin(facts) {
      guard(() => {
        rmSync(noteFile, { force: true });
        ftruncateSync(open(), 0);
        object = facts;
        done = [];
        note();
      });
    },
    write(position, chunk) {
      guard(() => {
        for (let written = 0; written < chunk.length; ) {
          written += writeSync(open(), chunk, written, chunk.length - written, position + written);
        }
      });
      done = joinRanges([...done, { from: position, to: position + chunk.length }]);
    },
    read: (position, into) => guard(() => readSync(open(), into, 0, into.length, position)),
    note: () => guard(note),
    finish() {
      guard(() => {
        close();
        renameSync(partFile, bundleFile);
        rmSync(noteFile, { force: true });
      });
    },
    keep() {
      if (file === null) return;
      if (object === null || done.length === 0) part.discard();
      else {
        guard(note);
        close();
      }
    },
    discard() {
      if (file === null) return;
      close();
      removePart(partFile);
    },
  };
  return part;
}

/** Takes over a part of the same source that nobody works on; all that is in the way of a new one is removed. */
function adopt(candidates: readonly string[], source: string, partFile: string): PartNote | null {
  for (const candidate of candidates) {
    const note = readNote(candidate);
    if (note === null || note.source !== source || isAtWork(note)) continue;
    if (candidate !== partFile) {
      removePart(partFile);
      renameSync(candidate, partFile);
      rmSync(noteFileOf(candidate), { force: true });
    }
    return note;
  }
  removePart(partFile);
  return null;
}

export function removePart(partFile: string): void {
  rmSync(partFile, { force: true });
  rmSync(noteFileOf(partFile), { force: true });
  rmSync(`${noteFileOf(partFile)}.tmp`, { force: true });
}

/** Whether a part can be gone on with: since the machine started its bytes have been noted down. */
export function isResumable(partFile: string): boolean {
  return readNote(partFile) !== null;
}

/** Whether another process is downloading into a part. */
export function isPartAtWork(partFile: string): boolean {
  const note = readNote(partFile);
  return note !== null && isAtWork(note);
}

function isAtWork({ owner }: PartNote): boolean {
  return owner.pid !== process.pid && mayStillRun(owner.pid, owner.startTime);
}

/** null as well for a note that does not fit its part: it is not worth an error, since a download can begin anew. */
function readNote(partFile: string): PartNote | null {
  try {
    const note = JSON.parse(readFileSync(noteFileOf(partFile), 'utf8')) as PartNote;
    const isWhole =
      typeof note.source === 'string' &&
      typeof note.validator === 'string' &&
      Number.isSafeInteger(note.sizeBytes) &&
      note.boot === bootId() &&
      note.done.every(
        ({ from, to }) => Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from < to,
      );
    const end = Math.max(0, ...note.done.map(({ to }) => to));
    return isWhole && end <= note.sizeBytes && statSync(partFile).size >= end ? note : null;
  } catch {
    return null;
  }
}

/** A bundle that cannot be written, as the operator is told of it. */
export function writeFault(bundleFile: string, cause: unknown): SlipwayError {
  const isFull = systemErrorCode(cause) === 'ENOSPC' || systemErrorCode(cause) === 'EDQUOT';
  return new SlipwayError(
    isFull ? 'REVISION_DISK_FULL' : 'REVISION_CANNOT_WRITE',
    `the bundle cannot be written to ${bundleFile}: ${messageOf(cause)}`,
    { cause },
  );
}
