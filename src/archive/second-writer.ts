/** A second thread for unpacking, which writes small files. */
import { existsSync } from 'node:fs';
import { startBatchThread } from '../system/batch-thread.ts';
import type { FileBatch } from './file-batch.ts';
import { archiveError } from './problems.ts';
import type { SecondWriter, SecondWriters } from './small-files.ts';

/** A revision of several times as many files takes some hundredths of a second, starting a thread takes as long. */
const MANY_FILES = 500;

export const secondWriter: SecondWriters = {
  leastFiles: MANY_FILES,
  start: startSecondWriter,
};

/** Data that the thread is started with. */
export interface WriterThreadSettings {
  /** As `writeBatch`. */
  readonly grantedBits: number;
}

/** @returns null: there can be none */
function startSecondWriter(grantedBits: number): SecondWriter | null {
  return startBatchThread<FileBatch, WriterThreadSettings>({ file: programFile(), settings: { grantedBits }, died });
}

function died(why: string): Error {
  const remedy = 'Deploy again. If it ends again, report this message with the number of files of the revision.';
  return archiveError('ARCHIVE_CANNOT_WRITE', null, `is not unpacked: a thread of it ended: ${why}`, { remedy });
}

/** The source in a checkout, the bundle in a package. */
function programFile(): URL {
  const source = new URL('./second-writer-main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../archive/second-writer.js', import.meta.url);
}
