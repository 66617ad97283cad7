/** A second thread for Install, with the same right to the disk and folders that it holds itself. */
import { existsSync } from 'node:fs';
import { SlipwayError } from '../errors.ts';
import { startBatchThread } from '../system/batch-thread.ts';
import type { Batch } from './batches.ts';
import type { SecondThread, SecondThreads } from './crew.ts';

/** Where an Install of so many files takes half a second, starting a thread takes a tenth of that. */
const MANY_FILES = 2000;

export const secondThread: SecondThreads = {
  leastFiles: MANY_FILES,
  start: startSecondThread,
};

/** Data that the thread is started with. */
export interface InstallThreadSettings {
  /** As `anchorFs`. */
  readonly agentUid: number;
}

/** @returns null: there can be none */
function startSecondThread(agentUid: number): SecondThread | null {
  const settings: InstallThreadSettings = { agentUid };
  return startBatchThread<Batch, InstallThreadSettings>({ file: programFile(), settings, died });
}

function died(why: string): SlipwayError {
  const remedy = 'Deploy again. If it ends again, report this message with the number of files of the revision.';
  return new SlipwayError('INSTALL_FAILED', `a thread of the Install ended: ${why}`, { remedy });
}

/** The source in a checkout, the bundle in a package. */
function programFile(): URL {
  const source = new URL('./second-thread-main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../install/second-thread.js', import.meta.url);
}
