/** The second thread of an Install: carries out batches, one after the other, until it is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, SlipwayError } from '../errors.ts';
import { type AnchoredFs, anchorFs } from './anchored-fs.ts';
import { type Batch, carryOutBatch } from './batches.ts';
import { type CopyWays, createCopyWays } from './copy-new.ts';
import { realInstallFs } from './install-fs.ts';
import { counter, type FromThread, type ThreadSettings, type ToThread } from './second-thread-messages.ts';

interface Tools extends AnchoredFs {
  readonly work: Batch['work'];
  readonly ways: CopyWays;
}

const { agentUid, counters } = workerData as ThreadSettings;
let fault: FromThread = null;
let tools: Tools | null = null;

parentPort?.on('message', (message: ToThread) => {
  if (message === 'settle') {
    parentPort?.postMessage(fault);
    return;
  }
  const isWanted = fault === null && Atomics.load(counters, counter.isStopped) === 0;
  if (isWanted) fault = faultOf(message);
  if (fault !== null) Atomics.store(counters, counter.hasFailed, 1);
  Atomics.add(counters, counter.done, 1);
});
Atomics.store(counters, counter.isReady, 1);

function faultOf(batch: Batch): FromThread {
  try {
    const { fs, ways } = toolsFor(batch.work);
    carryOutBatch(fs, ways, batch);
    return null;
  } catch (error) {
    const { code, message, remedy } =
      error instanceof SlipwayError ? error : new SlipwayError('INTERNAL', messageOf(error), { cause: error });
    return { code, message, remedy };
  }
}

/** Folders are held for one kind of work: before the next, the other thread may have moved some. */
function toolsFor(work: Batch['work']): Tools {
  if (tools?.work === work) return tools;
  tools?.[Symbol.dispose]();
  // A plan looks at the disk as it is; what changes it works in folders that are held.
  const anchored =
    work === 'compare' ? { fs: realInstallFs, [Symbol.dispose]: () => undefined } : anchorFs(realInstallFs, agentUid);
  tools = { ...anchored, work, ways: createCopyWays(anchored.fs) };
  return tools;
}
