/** The second thread of unpacking: writes batches of files, one after the other, until it is ended. */
import { carryOutBatches } from '../system/batch-thread-loop.ts';
import { type FileBatch, writeBatch } from './file-batch.ts';
import type { WriterThreadSettings } from './second-writer.ts';

carryOutBatches<FileBatch, WriterThreadSettings>(
  ({ grantedBits }) =>
    (batch) =>
      writeBatch(batch, grantedBits),
);
