import { dirname } from 'node:path';
import { type AttributeTools, applyPermission } from './attributes.ts';
import { createGatherer, mayBeShared } from './batches.ts';
import { type CopyStep, type CopyWays, copyFile, copyLink, copyNew, createCopyWays } from './copy-new.ts';
import type { Crew } from './crew.ts';
import { createWriteAhead } from './durability.ts';
import { createFileSyncs } from './file-syncs.ts';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { syncFolder } from './journal.ts';
import type { StagingStep } from './operations.ts';
import { writeLines } from './writing.ts';

/** Batches of copies, which take as long as the texts of as many files as they are. */
const COPIES_AHEAD = 16;

export interface StagingContext {
  readonly fs: InstallFs;
  readonly tools: AttributeTools;
  readonly crew: Crew;
  readonly signal?: AbortSignal;
}

/** Builds everything new under its hidden name, complete with owner, mode and times. */
export async function stageAll(ctx: StagingContext, steps: Iterable<StagingStep>): Promise<void> {
  const { crew, signal } = ctx;
  const ways = createCopyWays(ctx.fs);
  const copies = createGatherer<CopyStep>(({ temp }) => temp);
  const writeAhead = createWriteAhead();
  const copy = (batch: readonly CopyStep[]) => {
    signal?.throwIfAborted();
    // What waits there is done while this thread writes the texts.
    crew.work({ work: 'copy', items: batch }, COPIES_AHEAD);
    for (const { temp } of batch) writeAhead(temp);
  };
  const finishCopies = async () => {
    copy(copies.rest());
    await crew.settled();
  };
  for (const step of steps) {
    if (step.step === 'text') {
      // Texts lie in a folder of their own, so copies may go on beside.
      copy(copies.rest());
      stageOne(ctx, step, ways);
      continue;
    }
    if (step.step === 'copy' && mayBeShared(step)) {
      const batch = copies.add(step);
      if (batch !== null) copy(batch);
      continue;
    }
    // It may be a mode that keeps even its owner out of a folder.
    await finishCopies();
    stageOne(ctx, step, ways);
  }
  await finishCopies();
}

/** The same, and files and new folders are durable when this is done; their hidden names in folders that stay are not. */
export async function stageAndSyncAll(ctx: StagingContext, steps: Iterable<StagingStep>): Promise<void> {
  const ways = createCopyWays(ctx.fs);
  const folders: string[] = [];
  await using syncs = createFileSyncs(ctx.fs);
  for (const step of steps) {
    ctx.signal?.throwIfAborted();
    stageOne(ctx, step, ways);
    if (step.step === 'folder') folders.push(step.temp);
    else if (step.step !== 'permission') await syncs.begin(step.temp);
  }
  await syncs.allDone();
  for (const folder of folders.reverse()) syncFolder(ctx.fs, folder);
}

/** @throws SlipwayError INSTALL_… for what the disk refused */
function stageOne({ fs, tools }: StagingContext, step: StagingStep, ways: CopyWays): void {
  try {
    carryOutStep(fs, tools, step, ways);
  } catch (cause) {
    throw installFault(
      cause,
      `${step.step === 'copy' ? `${step.source} could not be copied to` : 'could not write'} ${step.temp}`,
    );
  }
}

function carryOutStep(fs: InstallFs, tools: AttributeTools, step: StagingStep, ways: CopyWays): void {
  switch (step.step) {
    case 'folder':
      fs.mkdirSync(step.temp, { mode: 0o755 });
      return;
    case 'copy':
      copyNew(fs, tools, step, ways);
      return;
    case 'save':
      fs.mkdirSync(dirname(step.temp), { recursive: true, mode: 0o700 });
      if (fs.lstatSync(step.path).isSymbolicLink()) copyLink(fs, step.path, step.temp, ways);
      else {
        // What somebody else may not have been allowed to read stays with the agent.
        copyFile(fs, step.path, step.temp, ways, { keepsMode: false });
      }
      return;
    case 'text':
      writeText(fs, step.temp, step.lines);
      return;
    case 'permission':
      applyPermission(fs, tools, step.temp, step.permission);
      return;
  }
}

function writeText(fs: InstallFs, temp: string, lines: Iterable<string>): void {
  const file = fs.openSync(temp, 'wx', 0o644);
  try {
    writeLines(fs, file, lines);
  } finally {
    fs.closeSync(file);
  }
}
