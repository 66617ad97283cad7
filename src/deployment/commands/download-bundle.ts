import { existsSync, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { copyFolder } from '../../archive/folder-bundle.ts';
import { unpackBundle } from '../../archive/unpack.ts';
import { SlipwayError } from '../../errors.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type {
  BundleType,
  DeploymentSpecification,
  LocalDirectoryRevision,
  Revision,
} from '../../protocol/specification.ts';
import { type OnProgress, renderProgress } from '../../revision/progress.ts';
import { replaceFile, writeFileDurably } from '../../system/durable-file.ts';
import { noteUnsynced, requireNotTorn } from '../archive-durability.ts';
import { forSignature, requireSignature } from '../bundle-signature.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { freeSpace, noSpace, type SpaceNeeded, shortage } from '../disk-space.ts';
import { findAppSpec, warningsForLog } from '../find-appspec.ts';
import { folderModes } from '../folder-modes.ts';
import { bundleOfArchive, keepBundle, removeSignatures } from '../kept-bundle.ts';
import { type DeploymentPaths, deploymentPaths, groupPointers, writePointer } from '../layout.ts';
import { takeStopFlag } from '../old-scripts.ts';
import { succeeded } from '../outcomes.ts';
import { requireForeignSource } from '../own-places.ts';
import { partFiles, pruneForSpace, pruneRevisions } from '../prune-revisions.ts';
import { reuseArchive } from '../reuse-archive.ts';
import { clearAside } from '../set-aside.ts';
import { unpackedSize } from '../unpacked-size.ts';
import { runEventScripts } from './lifecycle-event.ts';

/** How often a long download is mentioned in the log. */
const LOG_PROGRESS_MS = 5_000;
/** How much comes between two looks at the free space, and how long it may take to come. */
const LOOK_AFTER_BYTES = 8 * 2 ** 20;
const LOOK_AFTER_MS = 1_000;

/**
 * DownloadBundle: fetches the bundle, checks its signature if asked to, and unpacks it. Then it checks the AppSpec file and notes the
 * revision as the most recent one. Old revisions are removed only after all that succeeded, because a failed download must not cost the
 * revision that a rollback needs. When there is no room for the new one, they are removed before.
 */
export async function downloadBundle(
  ctx: DeploymentContext,
  request: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { specification } = request;
  const { deploymentGroupId, deploymentId } = specification;
  const paths = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId);
  // What an earlier deployment has left here came to no Install.
  clearAside(ctx.rootDir);
  mkdirSync(paths.deploymentDir, { recursive: true, mode: folderModes(ctx.restrictFolders).passage });
  for (const path of [paths.archiveDir, paths.eTagFile]) rmSync(path, { recursive: true, force: true });
  removeSignatures(paths);
  const note = noteUnsynced(paths);
  const source = await bringArchive(ctx, specification, paths, signal).catch((fault: unknown) => {
    if (!existsSync(paths.archiveDir)) note.remove();
    throw fault;
  });
  const found = findAppSpec(paths.archiveDir, specification.appSpecFilename, ctx.appSpecs);
  const { filename, warnings } = found;
  for (const { message, position } of warnings) {
    ctx.log.warn(`AppSpec file: ${message}`, { deploymentId, file: filename, line: position?.line ?? null });
  }
  // They come to the disk with the revision. To wait for them here would be to wait for all of its files, which are in the same journal.
  replaceFile(paths.bundleSourceFile, source);
  writePointer(groupPointers(ctx.rootDir, deploymentGroupId).mostRecent, paths.deploymentDir);
  note.bringToDisk();
  pruneRevisions(ctx, deploymentGroupId, deploymentId);
  if (takeStopFlag(ctx, request)) {
    const stopped = await runEventScripts(ctx, { ...request, commandName: 'ApplicationStop' }, signal);
    if (stopped.status === 'Failed') return stopped;
  }
  return succeeded(`BundleSource=${source}`, warningsForLog(found));
}

/** @returns where it came from, in the words of the official agent */
async function bringArchive(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  paths: DeploymentPaths,
  signal: AbortSignal | undefined,
): Promise<'archive-reuse' | 'downloaded'> {
  const { revision } = specification;
  requireForeignSource(ctx.install, revision);
  if (await reuseArchive(ctx, specification, signal)) return 'archive-reuse';
  if (revision.revisionType === 'Local Directory') await takeFolder(ctx, specification, revision, paths, signal);
  else await fetchAndUnpack(ctx, specification, revision, paths, signal);
  return 'downloaded';
}

async function fetchAndUnpack(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  revision: Exclude<Revision, LocalDirectoryRevision>,
  paths: DeploymentPaths,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { deploymentId } = specification;
  using limit = timeLimit(ctx.downloadLimits?.maxMs ?? 0, signal);
  const abort = { signal: limit.signal };
  // What an earlier try of this deployment has brought is in the way of this one, and counts as space that is taken.
  rmSync(paths.bundleFile, { force: true });
  const fetched = await ctx.fetchBundle({
    revision,
    bundleFile: paths.bundleFile,
    gitHubAccessToken: specification.gitHubAccessToken,
    gitUserName: specification.gitUserName,
    ...forSignature(ctx, specification, paths.bundleFile),
    partFiles: partFiles(paths.groupDir),
    reserve: (sizeBytes) => {
      requireSpace(ctx, specification, 'the bundle', { bytes: sizeBytes ?? 0, inodes: 1 });
    },
    onProgress: spaceWatch(ctx, specification, ctx.onDownloadProgress ?? progressLog(ctx, deploymentId)),
    ...(ctx.downloadLimits === undefined ? {} : { maxBytes: ctx.downloadLimits.maxBytes }),
    ...abort,
  });
  if (fetched.eTag !== null) writeFileDurably(paths.eTagFile, fetched.eTag);
  try {
    await requireSignature(ctx, specification, { bundleFile: paths.bundleFile, signaturesAt: 'source' }, limit.signal);
  } catch (refusal) {
    // Another try fetches it anew, and until retention nobody else would take it away.
    for (const path of [paths.bundleFile, paths.eTagFile]) rmSync(path, { force: true });
    removeSignatures(paths);
    throw refusal;
  }
  const bundleType = bundleTypeOf(revision);
  const { bsize } = statfsSync(paths.deploymentDir);
  requireSpace(ctx, specification, 'the unpacked revision', unpackedSize(paths.bundleFile, bundleType, bsize));
  const { entries, bytes } = await unpackBundle({
    bundleFile: paths.bundleFile,
    bundleType,
    archiveDir: paths.archiveDir,
    limits: ctx.limits,
    rules: ctx.entryRules,
    ...(ctx.secondWriters && { secondWriters: ctx.secondWriters }),
    ...(signal === undefined ? {} : { signal }),
  });
  ctx.onObjects?.(entries);
  ctx.log.info('unpacked the bundle', { deploymentId, sizeBytes: fetched.sizeBytes, entries, bytes });
}

/** Returns the kind of archive of a revision's bundle. */
export function bundleTypeOf(revision: Exclude<Revision, LocalDirectoryRevision>): BundleType {
  return revision.revisionType === 'Git' ? 'tar' : (revision.bundleType ?? 'tar');
}

/** @throws SlipwayError REVISION_NO_SPACE when it does not fit even with all old revisions gone that may go */
function requireSpace(
  ctx: DeploymentContext,
  { deploymentGroupId, deploymentId }: DeploymentSpecification,
  purpose: string,
  needed: SpaceNeeded,
): void {
  const lacking = () => shortage(freeSpace(ctx.rootDir), needed);
  if (lacking() === null) return;
  pruneForSpace(ctx, deploymentGroupId, deploymentId, lacking);
  if (lacking() !== null) throw noSpace(ctx.rootDir, purpose, freeSpace(ctx.rootDir), needed);
}

function progressLog(ctx: Pick<DeploymentContext, 'clock' | 'log'>, deploymentId: string): OnProgress {
  let nextMs = ctx.clock.now() + LOG_PROGRESS_MS;
  return (progress) => {
    if (ctx.clock.now() < nextMs) return;
    nextMs = ctx.clock.now() + LOG_PROGRESS_MS;
    ctx.log.info(`downloading the bundle: ${renderProgress(progress)}`, { deploymentId });
  };
}

/** A source that does not say how much will come, or another writer, can fill the disk meanwhile. */
function spaceWatch(ctx: DeploymentContext, specification: DeploymentSpecification, tell: OnProgress): OnProgress {
  let nextAtBytes = LOOK_AFTER_BYTES;
  let nextAtMs = ctx.clock.now() + LOOK_AFTER_MS;
  return (progress) => {
    tell(progress);
    if (progress.receivedBytes < nextAtBytes && ctx.clock.now() < nextAtMs) return;
    nextAtBytes = progress.receivedBytes + LOOK_AFTER_BYTES;
    nextAtMs = ctx.clock.now() + LOOK_AFTER_MS;
    requireSpace(ctx, specification, 'the bundle', { bytes: 0, inodes: 0 });
  };
}

/** Bundle and signatures together: a server waits for the event, whatever of it takes so long. */
function timeLimit(maxMs: number, signal: AbortSignal | undefined): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const end = () =>
    over.abort(
      new SlipwayError(
        'REVISION_TOO_SLOW',
        `the bundle was not here after ${maxMs / 1000} seconds (download_max_seconds)`,
      ),
    );
  const timer = maxMs === 0 ? undefined : setTimeout(end, maxMs);
  return {
    signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** A folder of this machine; nobody can have signed it, unless it is the archive of a bundle that is kept here with its signature. */
async function takeFolder(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  revision: LocalDirectoryRevision,
  { archiveDir, bundleFile }: DeploymentPaths,
  signal: AbortSignal | undefined,
): Promise<void> {
  requireNotTorn(dirname(revision.location));
  const kept = bundleOfArchive(ctx.rootDir, specification.deploymentGroupId, revision.location);
  await requireSignature(ctx, specification, { bundleFile: kept, signaturesAt: 'host' }, signal);
  await takeCopy(ctx, specification, revision, archiveDir, signal);
  if (kept !== null) keepBundle(kept, bundleFile);
}

async function takeCopy(
  ctx: DeploymentContext,
  { deploymentId }: DeploymentSpecification,
  { location }: LocalDirectoryRevision,
  archiveDir: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stats = statSync(location, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) {
    throw new SlipwayError('REVISION_NOT_FOUND', `the revision ${location} is not there, or is no folder`);
  }
  const { limits, entryRules: rules } = ctx;
  const { entries } = await copyFolder({ sourceDir: location, archiveDir, limits, rules, ...(signal && { signal }) });
  ctx.onObjects?.(entries);
  ctx.log.info('copied the folder', { deploymentId, location, entries });
}
