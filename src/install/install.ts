/**
 * Install as a transaction: plan → stage → journal → commit.
 *
 * A failure, or a cut of the power at any instruction, leaves the old tree or the new one. What is durable when:
 *
 * 1. the plan is complete and free of problems before the first byte is written;
 * 2. the journal's beginning is synced before anything stands anywhere, even under a hidden name;
 * 3. everything staged is synced, by file system, before the first rename (one `syncfs` is faster than twenty thousand `fsync`);
 * 4. the renames are synced, by folder, before the journal says that the new tree is complete;
 * 5. only then old files are thrown away.
 *
 * A failure on the way undoes what was done and throws; an interruption is put right by `recoverInstalls` before the agent takes new work.
 */
import { join } from 'node:path';
import { execaSync } from 'execa';
import type { AppSpec } from '../appspec/types.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import type { AttributeTools } from './attributes.ts';
import { formatCleanup, parseCleanup } from './cleanup-file.ts';
import { commitAll, discardOld, foldersOf, rollBack } from './commit.ts';
import type { InstallFs } from './install-fs.ts';
import { cleanupOf, formatInstructions } from './instructions.ts';
import {
  beginJournal,
  type FolderTimes,
  type JournalBegin,
  readJournal,
  removeJournal,
  syncFolder,
} from './journal.ts';
import { type Operations, planOperations } from './operations.ts';
import { planInstall } from './plan.ts';
import { stageAll } from './stage.ts';
import { diskView } from './tree-view.ts';
import type { CleanupEntry, IdLookup, InstallPlan, InstallRules, PlanProblem } from './types.ts';

export interface InstallContext {
  readonly fs: InstallFs;
  readonly tools: AttributeTools;
  readonly ids: IdLookup;
  readonly agentUid: number;
  readonly log: Logger;
}

export interface InstallRequest {
  readonly appSpec: AppSpec;
  readonly archiveDir: string;
  /** `deployment-instructions`: where journal, cleanup file and pointers of all deployment groups are. */
  readonly instructionsDir: string;
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  /** What the pointer to the last successful install will hold. */
  readonly deploymentDir: string;
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly rules: InstallRules;
  readonly signal?: AbortSignal;
}

export interface InstallReport {
  readonly files: number;
  readonly removed: number;
  readonly kept: number;
}

/** What was done about an Install that had been interrupted. */
export interface RecoveredInstall {
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  readonly outcome: 'rolled-back' | 'completed';
}

const JOURNAL_SUFFIX = '-install.journal';
/** More would not fit into diagnostics; the rest is counted. */
const LISTED_PROBLEMS = 20;

/**
 * Installs a revision.
 *
 * @throws SlipwayError INSTALL_IMPOSSIBLE listing every problem, before anything was changed; INSTALL_… for what the disk refused, after
 * the old tree is back
 */
export async function runInstall(ctx: InstallContext, request: InstallRequest): Promise<InstallReport> {
  const paths = bookkeepingPaths(request);
  const plan = planOrThrow(ctx, request, readCleanupFile(ctx, paths.cleanup));
  const operations = planOperations({
    plan,
    host: diskView(ctx.fs),
    deploymentId: request.deploymentId,
    bookkeeping: [
      { path: paths.instructions, content: formatInstructions(plan) },
      { path: paths.cleanup, content: formatCleanup(cleanupOf(plan)) },
      { path: paths.lastSuccessful, content: request.deploymentDir },
    ],
  });
  carryOut(ctx, request, paths.journal, plan, operations);
  return { files: plan.files.length, removed: plan.removals.length, kept: plan.kept.length };
}

/**
 * Puts right every Install that was interrupted. To be called before new work is taken; calling it again is harmless.
 *
 * @throws SlipwayError INSTALL_NOT_RECOVERED when the disk refuses; the journal stays for the next attempt
 */
export async function recoverInstalls(
  ctx: InstallContext,
  instructionsDir: string,
): Promise<readonly RecoveredInstall[]> {
  if (!ctx.fs.existsSync(instructionsDir)) return [];
  const journals = ctx.fs.readdirSync(instructionsDir).filter((name) => name.endsWith(JOURNAL_SUFFIX));
  return journals.flatMap((name) => recoverOne(ctx, join(instructionsDir, name)) ?? []);
}

function recoverOne(ctx: InstallContext, path: string): RecoveredInstall | null {
  const { fs } = ctx;
  try {
    const journal = readJournal(fs, path);
    if (journal === null) {
      removeJournal(fs, path);
      return null;
    }
    const { begin, state } = journal;
    if (state === 'committed') discardOld(fs, begin);
    else rollBack(fs, begin, state);
    removeJournal(fs, path);
    const { deploymentGroupId, deploymentId } = begin;
    const outcome = state === 'committed' ? 'completed' : 'rolled-back';
    ctx.log.warn(`an interrupted Install was ${outcome}`, { deploymentGroupId, deploymentId, state });
    return { deploymentGroupId, deploymentId, outcome };
  } catch (cause) {
    throw new SlipwayError(
      'INSTALL_NOT_RECOVERED',
      `the interrupted Install of ${path} could not be put right: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function planOrThrow(ctx: InstallContext, request: InstallRequest, previous: readonly CleanupEntry[]): InstallPlan {
  const view = diskView(ctx.fs);
  const result = planInstall({
    appSpec: request.appSpec,
    archiveDir: ctx.fs.realpathSync(request.archiveDir),
    archive: view,
    host: view,
    previous,
    fileExistsBehavior: request.fileExistsBehavior,
    rules: request.rules,
    ids: ctx.ids,
    agentUid: ctx.agentUid,
  });
  if (result.ok) return result.plan;
  throw new SlipwayError('INSTALL_IMPOSSIBLE', describeProblems(result.problems));
}

function describeProblems(problems: readonly PlanProblem[]): string {
  const listed = problems.slice(0, LISTED_PROBLEMS).map(({ message }) => message);
  const more = problems.length - listed.length;
  return `the revision cannot be installed: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function carryOut(
  ctx: InstallContext,
  request: InstallRequest,
  journalPath: string,
  plan: InstallPlan,
  operations: Operations,
): void {
  const { fs, tools } = ctx;
  const begin: JournalBegin = {
    deploymentGroupId: request.deploymentGroupId,
    deploymentId: request.deploymentId,
    commit: operations.commit,
    folderRemovals: operations.folderRemovals,
    folderTimes: timesOf(fs, operations),
  };
  const journal = beginJournal(fs, journalPath, begin);
  let state: 'staging' | 'committing' = 'staging';
  try {
    stageAll(fs, tools, operations.staging, request.signal);
    syncFileSystems(fs, foldersOf(begin));
    journal.append('staged');
    state = 'committing';
    commitAll(fs, tools, operations.commit);
    for (const { path, context } of plan.permissions) if (context !== null) tools.setContext(path, context);
    for (const folder of foldersOf(begin)) syncFolder(fs, folder);
    journal.append('committed');
  } catch (error) {
    journal.close();
    rollBack(fs, begin, state);
    removeJournal(fs, journalPath);
    throw error;
  }
  journal.close();
  finishCommitted(ctx, begin, plan.staleContexts, journalPath);
}

/**
 * Clears away what the new tree has replaced. The new tree is complete and durable, so nothing here can make a failure of the Install:
 * what the disk refuses is tried once more, and then left to the journal, which the group's next Install or the agent's next start takes up.
 */
function finishCommitted(
  ctx: InstallContext,
  begin: JournalBegin,
  staleContexts: readonly string[],
  journalPath: string,
): void {
  const { fs, tools, log } = ctx;
  for (const isLastTry of [false, true]) {
    try {
      discardOld(fs, begin);
      for (const path of staleContexts) tools.dropContext(path);
      removeJournal(fs, journalPath);
      return;
    } catch (error) {
      if (!isLastTry) continue;
      const { deploymentGroupId, deploymentId } = begin;
      log.warn(
        'the new revision is in place, but what it replaced cannot be removed yet; the next Install or start does',
        {
          deploymentGroupId,
          deploymentId,
          error,
        },
      );
    }
  }
}

function timesOf(fs: InstallFs, operations: Operations): FolderTimes[] {
  return foldersOf(operations)
    .filter((path) => fs.existsSync(path))
    .map((path) => {
      const { atimeMs, mtimeMs } = fs.lstatSync(path);
      return { path, atimeMs, mtimeMs };
    });
}

/** Makes everything written durable: one call per file system. */
function syncFileSystems(fs: InstallFs, folders: readonly string[]): void {
  const oneEach = new Map(folders.map((folder) => [fs.lstatSync(folder).dev, folder]));
  for (const folder of oneEach.values()) {
    const synced = execaSync('sync', ['--file-system', folder], { reject: false, stdin: 'ignore' });
    // Without the program, or on an odd file system, everything is synced, which takes longer and is as durable.
    if (synced.failed) execaSync('sync', [], { stdin: 'ignore' });
  }
}

interface BookkeepingPaths {
  readonly instructions: string;
  readonly cleanup: string;
  readonly lastSuccessful: string;
  readonly journal: string;
}

function bookkeepingPaths({ instructionsDir, deploymentGroupId }: InstallRequest): BookkeepingPaths {
  const at = (suffix: string) => join(instructionsDir, `${deploymentGroupId}${suffix}`);
  return {
    instructions: at('-install.json'),
    cleanup: at('-cleanup'),
    lastSuccessful: at('_last_successful_install'),
    journal: at(JOURNAL_SUFFIX),
  };
}

/**
 * What the previous Install left to clean up. The file says what is to be deleted as root, so it is believed only if nobody else could
 * have written it.
 */
function readCleanupFile(ctx: InstallContext, path: string): CleanupEntry[] {
  const { fs, log, agentUid } = ctx;
  if (!fs.existsSync(path)) return [];
  const stats = fs.lstatSync(path);
  if (!stats.isFile() || stats.uid !== agentUid || (stats.mode & 0o022) !== 0) {
    log.warn(
      'the cleanup file is not the agent’s alone and is ignored; the last revision’s files count as somebody else’s',
      {
        path,
        owner: stats.uid,
        mode: (stats.mode & 0o7777).toString(8),
      },
    );
    return [];
  }
  return parseCleanup(fs.readFileSync(path, 'utf8'));
}
