/**
 * Install as a transaction: plan → stage → journal → commit.
 *
 * A failure, or a cut of the power at any instruction, leaves the old tree or the new one. Things become durable in this order:
 *
 * 1. The plan is complete and free of problems before the first byte is written.
 * 2. The journal's beginning is synced before anything stands anywhere, even under a hidden name.
 * 3. Everything staged is synced, by file system or, if the files are large, one by one, before the first rename.
 * 4. The renames are synced, by folder, and changed modes and times of files that stay, by file system. Only then does the journal say that
 *    the new tree is complete.
 * 5. Only after that are old files thrown away.
 *
 * A failure on the way undoes what was done and throws; an interruption is put right by `recoverInstalls` before the agent takes new work.
 */
import { join } from 'node:path';
import type { AppSpec } from '../appspec/types.ts';
import { SlipwayError } from '../errors.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { readMountTable } from '../system/mount-table.ts';
import { requireProgram } from '../system/programs.ts';
import { withoutOwnLinks } from './after-cleanup.ts';
import { attributeView } from './attribute-tools.ts';
import { bookkeepingPaths, type LastInstall, readLastInstall, readOtherGroups } from './bookkeeping.ts';
import { carryOut, type PreparedInstall } from './carry-out.ts';
import { formatCleanup } from './cleanup-file.ts';
import { createComparisons } from './comparisons.ts';
import type { InstallContext } from './context.ts';
import { createCrew, type SecondOnCall, secondOnCall } from './crew.ts';
import { fileSystemLookup } from './file-systems.ts';
import type { InstallFs } from './install-fs.ts';
import { cleanupOf, formatInstructions } from './instructions.ts';
import { carriedEntries, formatManifest } from './manifest.ts';
import { planOperations } from './operations.ts';
import { ownPlaceLookup } from './own-places.ts';
import { type PlanInput, planBeside, planInstall } from './plan.ts';
import { type BehaviorInForce, remediesFor } from './remedies.ts';
import { rememberedIds } from './remembered-ids.ts';
import { diskView, rememberingView } from './tree-view.ts';
import type { InstallPlan, InstallRules, PlanProblem, PlanResult, TakenOver, TreeView } from './types.ts';

export interface InstallRequest {
  readonly appSpec: AppSpec;
  readonly archiveDir: string;
  /** `deployment-instructions`: where journal, cleanup file and pointers of all deployment groups are. */
  readonly instructionsDir: string;
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  /** Folder that the pointer to the last successful install will hold. */
  readonly deploymentDir: string;
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly rules: InstallRules;
  /** Globs of paths that are neither overwritten nor removed. */
  readonly protectPaths?: readonly string[];
  /** How people call a deployment group of this host; else by its id. */
  readonly nameOfGroup?: (groupId: string) => string;
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
  /** Files that were another deployment group's until now. */
  readonly takenOver: readonly TakenOver[];
}

/** More would not fit into diagnostics; the rest is counted. */
const LISTED_PROBLEMS = 20;

/**
 * Installs a revision.
 *
 * @throws SlipwayError PROGRAM_MISSING without `sync`, or INSTALL_IMPOSSIBLE listing every problem, before anything was changed; INSTALL_… for what the disk refused, after
 * the old tree is back
 */
export async function runInstall(ctx: InstallContext, request: InstallRequest): Promise<InstallReport> {
  // Without it the new tree could not be made durable, and nothing may be changed.
  requireProgram('sync');
  await using second = secondOnCall(ctx.secondThread, ctx.agentUid);
  const prepared = await prepareInstall(ctx, request, second);
  await carryOut(ctx, request, prepared, second);
  logSpecialCases(ctx, request, prepared);
  const { plan } = prepared;
  return {
    files: plan.files.length,
    unchanged: plan.unchanged.length,
    removed: plan.removals.length,
    kept: plan.kept.length,
    saved: plan.saved.length,
    takenOver: plan.takenOver,
  };
}

/** Everything read and seen for the plan ends with this function: with many files that is a fifth of the memory. */
async function prepareInstall(
  ctx: InstallContext,
  request: InstallRequest,
  second: SecondOnCall,
): Promise<PreparedInstall> {
  const paths = bookkeepingPaths(request);
  const lastInstall = readLastInstall(ctx, paths);
  const savedFilesDir = savedFilesName(ctx.fs, request);
  // Nothing is changed before the operations are known, so the plan's look at the disk is theirs, too.
  const view = rememberingView(diskView(ctx.fs));
  // As many as were installed are there to be compared.
  const crew = createCrew(ctx.fs, second.forFiles(lastInstall.previous.length));
  const input = planInput(ctx, request, lastInstall, savedFilesDir, view);
  const plan = planOrThrow(request, await planBeside(input, createComparisons(crew)));
  const takenOver = new Set(plan.takenOver.map(({ path }) => path));
  const isTakenOver = takenOver.size === 0 ? null : (path: string) => takenOver.has(path);
  const archiveDir = ctx.fs.realpathSync(request.archiveDir);
  const operations = planOperations({
    plan,
    host: withoutOwnLinks(view, lastInstall.previous, isTakenOver),
    attributes: attributeView(ctx.tools),
    savedFilesDir,
    deploymentId: request.deploymentId,
    bookkeeping: [
      // In the same transaction: a file has one owner at every instant.
      ...plan.struck.map(({ groupId, remaining }) => ({
        path: bookkeepingPaths({ ...request, deploymentGroupId: groupId }).cleanup,
        lines: formatCleanup(remaining),
      })),
      { path: paths.instructions, lines: formatInstructions(plan) },
      { path: paths.cleanup, lines: formatCleanup(cleanupOf(plan)) },
      { path: paths.manifest, lines: formatManifest(plan, archiveDir, carriedEntries(plan, lastInstall.manifest)) },
      { path: paths.lastSuccessful, lines: [request.deploymentDir] },
    ],
  });
  view.forget();
  return { plan, operations, savedFilesDir };
}

/** Logs what an operator wants to know afterwards: what another hand had changed, where the copy is, and what was protected. */
function logSpecialCases(
  { log }: InstallContext,
  request: InstallRequest,
  { plan, savedFilesDir }: PreparedInstall,
): void {
  const { deploymentGroupId, deploymentId } = request;
  for (const path of plan.saved) {
    const copy = join(savedFilesDir, path);
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

/** Tells what Install would do, or why it cannot; changes nothing. */
export function previewInstall(ctx: InstallContext, request: InstallRequest): PlanResult {
  const lastInstall = readLastInstall(ctx, bookkeepingPaths(request));
  const view = rememberingView(diskView(ctx.fs));
  const savedFilesDir = savedFilesName(ctx.fs, request);
  return planInstall(planInput(ctx, { ...request, isPreview: true }, lastInstall, savedFilesDir, view));
}

function planOrThrow(request: InstallRequest, result: PlanResult): InstallPlan {
  if (result.ok) return result.plan;
  const remedy = remediesFor(result.problems, behaviorInForce(request)).join(' ');
  throw new SlipwayError('INSTALL_IMPOSSIBLE', describeProblems(result.problems), { remedy });
}

export function behaviorInForce(request: Pick<InstallRequest, 'appSpec' | 'fileExistsBehavior'>): BehaviorInForce {
  const ofAppSpec = request.appSpec.fileExistsBehavior;
  return { behavior: ofAppSpec ?? request.fileExistsBehavior, isOfAppSpec: ofAppSpec !== null };
}

function planInput(
  ctx: InstallContext,
  request: InstallRequest & { readonly isPreview?: boolean },
  lastInstall: LastInstall,
  savedFilesDir: string,
  view: TreeView,
): PlanInput {
  return {
    appSpec: request.appSpec,
    archiveDir: ctx.fs.realpathSync(request.archiveDir),
    archive: view,
    host: view,
    ...lastInstall,
    otherGroups: readOtherGroups(ctx, request),
    protectPaths: request.protectPaths ?? [],
    ...(ctx.ownPlaces && { ownPlaces: ownPlaceLookup(ctx.fs, ctx.ownPlaces, readMountTable()) }),
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
  };
}

function describeProblems(problems: readonly PlanProblem[]): string {
  const listed = problems.slice(0, LISTED_PROBLEMS).map(({ message }) => message);
  const more = problems.length - listed.length;
  return `the revision cannot be installed: ${listed.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
