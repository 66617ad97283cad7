/** The second thread of an Install: carries out batches, one after the other, until it is ended. */
import { carryOutBatches } from '../system/batch-thread-loop.ts';
import { type AnchoredFs, anchorFs } from './anchored-fs.ts';
import { type Batch, carryOutBatch } from './batches.ts';
import { type CopyWays, createCopyWays } from './copy-new.ts';
import { realInstallFs } from './install-fs.ts';
import type { InstallThreadSettings } from './second-thread.ts';

interface Tools extends AnchoredFs {
  readonly work: Batch['work'];
  readonly ways: CopyWays;
}

carryOutBatches<Batch, InstallThreadSettings>(({ agentUid }) => {
  let tools: Tools | null = null;
  return (batch) => {
    tools = toolsFor(batch.work, agentUid, tools);
    carryOutBatch(tools.fs, tools.ways, batch);
  };
});

/** Folders are held for one kind of work: before the next, the other thread may have moved some. */
function toolsFor(work: Batch['work'], agentUid: number, before: Tools | null): Tools {
  if (before?.work === work) return before;
  before?.[Symbol.dispose]();
  // A plan looks at the disk as it is; what changes it works in folders that are held.
  const anchored =
    work === 'compare' ? { fs: realInstallFs, [Symbol.dispose]: () => undefined } : anchorFs(realInstallFs, agentUid);
  return { ...anchored, work, ways: createCopyWays(anchored.fs) };
}
