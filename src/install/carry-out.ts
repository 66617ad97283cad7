/**
 * Carries out what was planned, or leaves everything as it was: stage → journal → commit → clear away. `install.ts` says what is durable when.
 */
import { dirname } from 'node:path';
import { messageOf } from '../errors.ts';
import { anchorFs } from './anchored-fs.ts';
import { bookkeepingPaths } from './bookkeeping.ts';
import { commitAll, discardOld, discardWithCrew, foldersOf, rollBack } from './commit.ts';
import type { InstallContext } from './context.ts';
import { type Crew, createCrew, type SecondOnCall } from './crew.ts';
import { areSyncedOneByOne, beginWriting, syncFileSystems } from './durability.ts';
import { installFault, notRecovered } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { beginJournal, type JournalBegin, type JournalWriter, removeJournal, syncFolder } from './journal.ts';
import type { Operations } from './operations.ts';
import { type StagingContext, stageAll, stageAndSyncAll } from './stage.ts';
import { timesOf } from './times.ts';
import type { InstallPlan } from './types.ts';

/** Part of an Install's request. */
interface CarryOutRequest {
  readonly archiveDir: string;
  readonly instructionsDir: string;
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  readonly signal?: AbortSignal;
}

export interface PreparedInstall {
  readonly plan: InstallPlan;
  readonly operations: Operations;
  readonly savedFilesDir: string;
}

/** @throws SlipwayError INSTALL_… for what the disk refused, after the old tree is back */
export async function carryOut(
  ctx: InstallContext,
  request: CarryOutRequest,
  { plan, operations, savedFilesDir }: PreparedInstall,
  second: SecondOnCall,
): Promise<void> {
  const paths = bookkeepingPaths(request);
  const { tools } = ctx;
  using anchored = anchorFs(ctx.fs, ctx.agentUid);
  const { fs } = anchored;
  const syncsEach = areSyncedOneByOne(plan);
  const crew = createCrew(fs, syncsEach ? null : second.forFiles(plan.files.length));
  const begin: JournalBegin = {
    deploymentGroupId: request.deploymentGroupId,
    deploymentId: request.deploymentId,
    commit: operations.commit,
    folderRemovals: operations.folderRemovals,
    savedFilesDir,
    staleContexts: plan.staleContexts,
    times: timesOf(fs, [...touchedFiles(operations), ...foldersOf(operations).map((folder) => `${folder}/.`)]),
  };
  const journal = openJournal(fs, paths.journal, begin);
  let state: 'staging' | 'committing' = 'staging';
  try {
    const staging: StagingContext = { fs, tools, crew, ...(request.signal && { signal: request.signal }) };
    if (syncsEach) {
      await stageAndSyncAll(staging, operations.staging);
      for (const folder of foldersOf(begin)) syncFolder(fs, folder);
    } else {
      beginWriting(plan, request.archiveDir);
      await stageAll(staging, operations.staging);
      syncFileSystems(fs, plan.saved.length > 0 ? [...foldersOf(begin), savedFilesDir] : foldersOf(begin));
    }
    journal.append('staged');
    state = 'committing';
    await commitAll(fs, tools, operations, crew);
    markComplete(fs, paths.manifest);
    for (const folder of foldersOf(begin)) syncFolder(fs, folder);
    syncFileSystems(fs, [...new Set(touchedFiles(operations).map((path) => dirname(path)))]);
    journal.append('committed');
  } catch (error) {
    // Two at work on one tree would mix what is undone with what is done.
    await crew.stopped();
    undo({ ...ctx, fs }, begin, state, journal, error);
    throw error;
  }
  journal.close();
  await finishCommitted({ ...ctx, fs }, begin, paths.journal, operations.apart, crew);
}

function openJournal(fs: InstallFs, path: string, begin: JournalBegin): JournalWriter {
  try {
    return beginJournal(fs, path, begin);
  } catch (cause) {
    throw installFault(cause, `the journal ${path} could not be written`);
  }
}

/** @throws SlipwayError INSTALL_NOT_RECOVERED that names both faults; the journal stays, and the next Install or start tries again */
function undo(
  { fs, tools }: InstallContext,
  begin: JournalBegin,
  state: 'staging' | 'committing',
  journal: JournalWriter,
  fault: unknown,
): void {
  try {
    try {
      journal.takeBack();
    } finally {
      journal.close();
    }
    rollBack(fs, tools, begin, state);
    removeJournal(fs, journal.path);
  } catch (cause) {
    throw notRecovered(cause, `${messageOf(fault)}; and what was there before could not be put back yet`);
  }
}

/**
 * Clears away what the new tree has replaced. The new tree is complete and durable, so nothing here can make the Install fail. A step that
 * the disk refuses is tried once more, and then left to the journal. The group's next Install or the agent's next start takes that up.
 */
async function finishCommitted(
  ctx: InstallContext,
  begin: JournalBegin,
  journalPath: string,
  apart: Operations['apart'],
  crew: Crew,
): Promise<void> {
  const { fs, tools, log } = ctx;
  for (const isLastTry of [false, true]) {
    try {
      if (isLastTry) discardOld(fs, tools, begin);
      else await discardWithCrew(fs, tools, begin, apart, crew);
      removeJournal(fs, journalPath);
      return;
    } catch (error) {
      await crew.stopped();
      if (!isLastTry) continue;
      const { deploymentGroupId, deploymentId } = begin;
      const message =
        'the new revision is in place, but what it replaced cannot be removed yet; the next Install or start does';
      log.warn(message, { deploymentGroupId, deploymentId, error });
    }
  }
}

function touchedFiles({ commit }: Operations): string[] {
  return commit.flatMap(({ op, path }) => (op === 'touch' ? path : []));
}

/**
 * Gives the manifest the time at which it came to its place, by the clock that times of change are from. Only one file comes to its place
 * after it. Objects that change afterwards have a time of change that is not before it.
 */
function markComplete(fs: InstallFs, manifest: string): void {
  const seconds = Math.floor(fs.lstatSync(manifest).ctimeMs) / 1000;
  fs.lutimesSync(manifest, seconds, seconds);
}
