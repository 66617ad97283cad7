/**
 * Install as a transaction: plan → stage → journal → commit.
 *
 * A failure, or a cut of the power at any instruction, leaves the old tree or the new one. What is durable when:
 *
 * 1. the plan is complete and free of problems before the first byte is written;
 * 2. the journal's beginning is synced before anything stands anywhere, even under a hidden name;
 * 3. everything staged is synced, by file system or, if the files are large, one by one, before the first rename;
 * 4. the renames are synced, by folder, and changed modes and times of files that stay, by file system, before the journal says that the
 *    new tree is complete;
 * 5. only then old files are thrown away.
 *
 * A failure on the way undoes what was done and throws; an interruption is put right by `recoverInstalls` before the agent takes new work.
 */
import { dirname, join } from 'node:path';
import type { AppSpec } from '../appspec/types.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { anchorFs } from './anchored-fs.ts';
import { type AttributeTools, attributeView } from './attributes.ts';
import { formatCleanup, parseCleanup } from './cleanup-file.ts';
import { commitAll, discardOld, foldersOf, rollBack } from './commit.ts';
import { areSyncedOneByOne, beginWriting, syncFileSystems } from './durability.ts';
import { fileSystemLookup } from './file-systems.ts';
import type { InstallFs } from './install-fs.ts';
import { cleanupOf, formatInstructions } from './instructions.ts';
import { beginJournal, type JournalBegin, readJournal, removeJournal, syncFolder } from './journal.ts';
import { formatManifest, parseManifest } from './manifest.ts';
import { type Operations, planOperations } from './operations.ts';
import { type PlanInput, planInstall } from './plan.ts';
import { rememberedIds } from './remembered-ids.ts';
import { stageAll } from './stage.ts';
import { timesOf } from './times.ts';
import { diskView, rememberingView } from './tree-view.ts';
import type { CleanupEntry, IdLookup, InstallPlan, InstallRules, PlanProblem, PlanResult } from './types.ts';

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
  /** Globs of paths that are neither overwritten nor removed. */
  readonly protectPaths?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface InstallReport {
  /** Written; those that were there already are `unchanged`. */
  readonly files: number;
  readonly unchanged: number;
  /** Changed by another hand since the last Install, and saved before they were replaced or removed. */
  readonly saved: number;
  readonly removed: number;
  readonly kept: number;
}

/** What was done about an Install that had been interrupted. */
export interface RecoveredInstall {
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  readonly outcome: 'rolled-back' | 'completed';
}

const CLEANUP_SUFFIX = '-cleanup';
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
  const lastInstall = readLastInstall(ctx, paths);
  const savedFilesDir = savedFilesName(ctx.fs, request);
  const plan = planOrThrow(ctx, request, lastInstall, savedFilesDir);
  const operations = planOperations({
    plan,
    host: diskView(ctx.fs),
    attributes: attributeView(ctx.tools),
    savedFilesDir,
    deploymentId: request.deploymentId,
    bookkeeping: [
      { path: paths.instructions, lines: formatInstructions(plan) },
      { path: paths.cleanup, lines: formatCleanup(cleanupOf(plan)) },
      {
        path: paths.manifest,
        lines: formatManifest(plan, ctx.fs.realpathSync(request.archiveDir), lastInstall.manifest),
      },
      { path: paths.lastSuccessful, lines: [request.deploymentDir] },
    ],
  });
  await carryOut(ctx, request, paths, plan, operations, savedFilesDir);
  logSpecialCases(ctx, request, plan, savedFilesDir);
  return {
    files: plan.files.length,
    unchanged: plan.unchanged.length,
    removed: plan.removals.length,
    kept: plan.kept.length,
    saved: plan.saved.length,
  };
}

/**
 * Puts right the Install of a deployment group that was interrupted; calling it again is harmless. Nobody else may work in the group.
 *
 * @param deploymentGroupId null: of all groups
 * @throws SlipwayError INSTALL_NOT_RECOVERED when the disk refuses; the journal stays for the next attempt
 */
export async function recoverInstalls(
  ctx: InstallContext,
  instructionsDir: string,
  deploymentGroupId: string | null = null,
): Promise<readonly RecoveredInstall[]> {
  return interruptedGroups(ctx.fs, instructionsDir)
    .filter((group) => deploymentGroupId === null || group === deploymentGroupId)
    .flatMap((group) => recoverOne(ctx, join(instructionsDir, `${group}${JOURNAL_SUFFIX}`)) ?? []);
}

/** Ids of the deployment groups that have a journal: an Install is under way there, or was cut off. */
export function interruptedGroups(
  fs: Pick<InstallFs, 'existsSync' | 'readdirSync'>,
  instructionsDir: string,
): readonly string[] {
  if (!fs.existsSync(instructionsDir)) return [];
  return fs
    .readdirSync(instructionsDir)
    .flatMap((name) => (name.endsWith(JOURNAL_SUFFIX) ? name.slice(0, -JOURNAL_SUFFIX.length) : []));
}

/** An Install that has not come to its end, and what comes of it when it is put right. */
export interface InterruptedInstall {
  /** null: it had not begun to touch anything. */
  readonly deploymentId: string | null;
  readonly outcome: RecoveredInstall['outcome'];
}

export function interruptedInstall(
  fs: InstallFs,
  instructionsDir: string,
  deploymentGroupId: string,
): InterruptedInstall | null {
  const path = join(instructionsDir, `${deploymentGroupId}${JOURNAL_SUFFIX}`);
  if (!fs.existsSync(path)) return null;
  const journal = readJournal(fs, path);
  return {
    deploymentId: journal?.begin.deploymentId ?? null,
    outcome: journal?.state === 'committed' ? 'completed' : 'rolled-back',
  };
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
    using anchored = anchorFs(fs, ctx.agentUid);
    if (state === 'committed') discardOld(anchored.fs, ctx.tools, begin);
    else rollBack(anchored.fs, ctx.tools, begin, state);
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

/** What an operator wants to know afterwards: what another hand had changed, and where the copy is; what was protected. */
function logSpecialCases({ log }: InstallContext, request: InstallRequest, plan: InstallPlan, savedAt: string): void {
  const { deploymentGroupId, deploymentId } = request;
  for (const path of plan.saved) {
    const copy = join(savedAt, path);
    log.warn('a file had been changed since the last Install; a copy is kept', { deploymentId, path, copy });
  }
  const kept = plan.kept.flatMap(({ path, why }) => (why === 'protected' ? path : []));
  for (const path of [...new Set([...kept, ...plan.carried])]) {
    log.info('a protected path stays as it is', { deploymentGroupId, deploymentId, path });
  }
}

/** The usual name, or that with the first number that nobody has: an attempt before this one may have left its own. */
function savedFilesName(fs: InstallFs, { deploymentDir }: InstallRequest): string {
  const usual = join(deploymentDir, 'saved-files');
  let name = usual;
  for (let number = 2; fs.existsSync(name); number += 1) name = `${usual}-${number}`;
  return name;
}

/** What Install would do, or why it cannot; nothing is changed. */
export function previewInstall(ctx: InstallContext, request: InstallRequest): PlanResult {
  return planFor(ctx, request, readLastInstall(ctx, bookkeepingPaths(request)), savedFilesName(ctx.fs, request));
}

function planOrThrow(
  ctx: InstallContext,
  request: InstallRequest,
  lastInstall: LastInstall,
  savedFilesDir: string,
): InstallPlan {
  const result = planFor(ctx, request, lastInstall, savedFilesDir);
  if (result.ok) return result.plan;
  throw new SlipwayError('INSTALL_IMPOSSIBLE', describeProblems(result.problems));
}

function planFor(
  ctx: InstallContext,
  request: InstallRequest,
  lastInstall: LastInstall,
  savedFilesDir: string,
): PlanResult {
  const view = rememberingView(diskView(ctx.fs));
  return planInstall({
    appSpec: request.appSpec,
    archiveDir: ctx.fs.realpathSync(request.archiveDir),
    archive: view,
    host: view,
    ...lastInstall,
    otherGroups: filesOfOtherGroups(ctx, request),
    protectPaths: request.protectPaths ?? [],
    fileExistsBehavior: request.fileExistsBehavior,
    rules: request.rules,
    ids: rememberedIds(ctx.ids),
    hasProgram: (program) => ctx.tools.isInstalled(program),
    room: {
      fileSystemOf: fileSystemLookup(ctx.fs, ctx.agentUid),
      savedFilesDir,
      instructionsDir: request.instructionsDir,
    },
    agentUid: ctx.agentUid,
  });
}

function describeProblems(problems: readonly PlanProblem[]): string {
  const listed = problems.slice(0, LISTED_PROBLEMS).map(({ message }) => message);
  const more = problems.length - listed.length;
  return `the revision cannot be installed: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

async function carryOut(
  ctx: InstallContext,
  request: InstallRequest,
  paths: BookkeepingPaths,
  plan: InstallPlan,
  operations: Operations,
  savedFilesDir: string,
): Promise<void> {
  const { tools } = ctx;
  using anchored = anchorFs(ctx.fs, ctx.agentUid);
  const { fs } = anchored;
  const begin: JournalBegin = {
    deploymentGroupId: request.deploymentGroupId,
    deploymentId: request.deploymentId,
    commit: operations.commit,
    folderRemovals: operations.folderRemovals,
    savedFilesDir,
    staleContexts: plan.staleContexts,
    times: timesOf(fs, [...touchedFiles(operations), ...foldersOf(operations).map((folder) => `${folder}/.`)]),
  };
  const journal = beginJournal(fs, paths.journal, begin);
  let state: 'staging' | 'committing' = 'staging';
  try {
    const syncsEach = areSyncedOneByOne(plan);
    if (!syncsEach) beginWriting(plan, request.archiveDir);
    await stageAll(fs, tools, operations.staging, { syncsEach, ...(request.signal && { signal: request.signal }) });
    if (syncsEach) for (const folder of foldersOf(begin)) syncFolder(fs, folder);
    else syncFileSystems(fs, plan.saved.length > 0 ? [...foldersOf(begin), savedFilesDir] : foldersOf(begin));
    journal.append('staged');
    state = 'committing';
    commitAll(fs, tools, operations.commit);
    markComplete(fs, paths.manifest);
    for (const folder of foldersOf(begin)) syncFolder(fs, folder);
    syncFileSystems(fs, [...new Set(touchedFiles(operations).map((path) => dirname(path)))]);
    journal.append('committed');
  } catch (error) {
    journal.close();
    undo({ ...ctx, fs }, begin, state, paths.journal, error);
    throw error;
  }
  journal.close();
  finishCommitted({ ...ctx, fs }, begin, paths.journal);
}

/** @throws SlipwayError INSTALL_NOT_RECOVERED that names both faults; the journal stays, and the next Install or start tries again */
function undo(
  { fs, tools }: InstallContext,
  begin: JournalBegin,
  state: 'staging' | 'committing',
  journalPath: string,
  fault: unknown,
): void {
  try {
    rollBack(fs, tools, begin, state);
    removeJournal(fs, journalPath);
  } catch (cause) {
    throw new SlipwayError(
      'INSTALL_NOT_RECOVERED',
      `${messageOf(fault)}; and what was there before could not be put back yet: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Clears away what the new tree has replaced. The new tree is complete and durable, so nothing here can make a failure of the Install:
 * what the disk refuses is tried once more, and then left to the journal, which the group's next Install or the agent's next start takes up.
 */
function finishCommitted(ctx: InstallContext, begin: JournalBegin, journalPath: string): void {
  const { fs, tools, log } = ctx;
  for (const isLastTry of [false, true]) {
    try {
      discardOld(fs, tools, begin);
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

function touchedFiles({ commit }: Operations): string[] {
  return commit.flatMap(({ op, path }) => (op === 'touch' ? path : []));
}

/**
 * Gives the manifest, which is the last but one to come to its place, the time at which it came there, by the clock that times of change
 * are from. What changes afterwards has a time of change that is not before it.
 */
function markComplete(fs: InstallFs, manifest: string): void {
  const seconds = Math.floor(fs.lstatSync(manifest).ctimeMs) / 1000;
  fs.lutimesSync(manifest, seconds, seconds);
}

interface BookkeepingPaths {
  readonly instructions: string;
  readonly cleanup: string;
  readonly manifest: string;
  readonly lastSuccessful: string;
  readonly journal: string;
}

function bookkeepingPaths({ instructionsDir, deploymentGroupId }: InstallRequest): BookkeepingPaths {
  const at = (suffix: string) => join(instructionsDir, `${deploymentGroupId}${suffix}`);
  return {
    instructions: at('-install.json'),
    cleanup: at(CLEANUP_SUFFIX),
    manifest: at('-manifest'),
    lastSuccessful: at('_last_successful_install'),
    journal: at(JOURNAL_SUFFIX),
  };
}

/** What is known of the deployment group's last Install; without one, nothing. */
type LastInstall = Required<Pick<PlanInput, 'previous' | 'manifest' | 'installedAtMs'>>;

function readLastInstall(ctx: InstallContext, paths: BookkeepingPaths): LastInstall {
  const manifest = readOwnFile(ctx, paths.manifest);
  return {
    previous: readCleanupFile(ctx, paths.cleanup),
    manifest: parseManifest(manifest ?? ''),
    installedAtMs: manifest === null ? 0 : ctx.fs.lstatSync(paths.manifest).mtimeMs,
  };
}

/**
 * What the previous Install left to clean up. The file says what is to be deleted as root, so it is believed only if nobody else could
 * have written it.
 */
function readCleanupFile(ctx: InstallContext, path: string): CleanupEntry[] {
  return parseCleanup(readOwnFile(ctx, path) ?? '');
}

/**
 * What the cleanup files of the other deployment groups list. A file of another group is a conflict whatever the file-exists behaviour
 * is: overwritten, it would break that group's application; retained, that group's next Install would take it away from this one.
 */
function filesOfOtherGroups(ctx: InstallContext, request: InstallRequest): Map<string, string> {
  const own = `${request.deploymentGroupId}${CLEANUP_SUFFIX}`;
  // Before the first deployment there is nothing; a preview makes nothing.
  if (!ctx.fs.existsSync(request.instructionsDir)) return new Map();
  const names = ctx.fs.readdirSync(request.instructionsDir).filter((name) => name.endsWith(CLEANUP_SUFFIX));
  return new Map(
    names
      .filter((name) => name !== own && !name.startsWith('.'))
      .flatMap((name) => {
        const group = name.slice(0, -CLEANUP_SUFFIX.length);
        const entries = readCleanupFile(ctx, join(request.instructionsDir, name));
        return entries.flatMap(({ kind, path }): [string, string][] => (kind === 'path' ? [[path, group]] : []));
      }),
  );
}

/** A file of the agent's own; null: it is not there, or somebody else could have written it. */
function readOwnFile(ctx: InstallContext, path: string): string | null {
  const { fs, log, agentUid } = ctx;
  if (!fs.existsSync(path)) return null;
  const stats = fs.lstatSync(path);
  if (!stats.isFile() || stats.uid !== agentUid || (stats.mode & 0o022) !== 0) {
    log.warn(
      'a file about the last Install is not the agent’s alone and is ignored; the files it lists count as somebody else’s',
      { path, owner: stats.uid, mode: (stats.mode & 0o7777).toString(8) },
    );
    return null;
  }
  return fs.readFileSync(path, 'utf8');
}
