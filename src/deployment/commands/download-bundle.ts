import { cpSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { unpackBundle } from '../../archive/unpack.ts';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import { writeFileDurably } from '../../system/durable-file.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { findAppSpec } from '../find-appspec.ts';
import { deploymentPaths, groupPointers, instructionsDir, writePointer } from '../layout.ts';
import { succeeded } from '../outcomes.ts';
import { pruneRevisions } from '../prune-revisions.ts';

/**
 * DownloadBundle: bring the bundle, unpack it, see that it has a sound AppSpec file, and remember it as the most recent revision. Old
 * revisions go only when all that went well: a download that fails must not cost what a rollback needs.
 */
export async function downloadBundle(
  ctx: DeploymentContext,
  { specification }: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { deploymentGroupId, deploymentId, revision } = specification;
  const paths = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId);
  mkdirSync(paths.deploymentDir, { recursive: true, mode: 0o755 });
  rmSync(paths.archiveDir, { recursive: true, force: true });

  if (revision.revisionType === 'Local Directory') {
    copyFolder(revision.location, paths.archiveDir);
  } else {
    const fetched = await ctx.fetchBundle({
      revision,
      bundleFile: paths.bundleFile,
      gitHubAccessToken: specification.gitHubAccessToken,
      ...(signal === undefined ? {} : { signal }),
    });
    if (fetched.eTag !== null) writeFileDurably(paths.eTagFile, fetched.eTag);
    const bundleType = revision.bundleType ?? 'tar';
    const { entries, bytes } = await unpackBundle({
      bundleFile: paths.bundleFile,
      bundleType,
      archiveDir: paths.archiveDir,
      limits: ctx.limits,
      rules: ctx.entryRules,
      ...(signal === undefined ? {} : { signal }),
    });
    ctx.log.info('unpacked the bundle', { deploymentId, sizeBytes: fetched.sizeBytes, entries, bytes });
  }
  mkdirSync(instructionsDir(ctx.rootDir), { recursive: true, mode: 0o755 });
  const { filename, warnings } = findAppSpec(paths.archiveDir, specification.appSpecFilename);
  for (const { message, position } of warnings) {
    ctx.log.warn(`AppSpec file: ${message}`, { deploymentId, file: filename, line: position?.line ?? null });
  }
  writeFileDurably(paths.bundleSourceFile, 'downloaded');
  writePointer(groupPointers(ctx.rootDir, deploymentGroupId).mostRecent, paths.deploymentDir);
  pruneRevisions(ctx, deploymentGroupId, deploymentId);
  return succeeded('BundleSource=downloaded');
}

function copyFolder(source: string, archiveDir: string): void {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) {
    throw new SlipwayError('REVISION_NOT_FOUND', `the revision ${source} is not there, or is no folder`);
  }
  const temporary = `${archiveDir}-temp`;
  rmSync(temporary, { recursive: true, force: true });
  try {
    cpSync(source, temporary, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    renameSync(temporary, archiveDir);
  } catch (cause) {
    rmSync(archiveDir, { recursive: true, force: true });
    throw new SlipwayError('REVISION_CANNOT_WRITE', `${source} could not be copied: ${messageOf(cause)}`, { cause });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
