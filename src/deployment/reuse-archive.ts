import { copyFileSync, existsSync, lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { copyFolder } from '../archive/folder-bundle.ts';
import { messageOf } from '../errors.ts';
import type { DeploymentSpecification } from '../protocol/specification.ts';
import { isTorn } from './archive-durability.ts';
import { requireSignature, type SignatureContext } from './bundle-signature.ts';
import type { DeploymentContext } from './context.ts';
import { locateAppSpec } from './find-appspec.ts';
import { keepBundle, removeSignatures } from './kept-bundle.ts';
import { type DeploymentPaths, deploymentPaths } from './layout.ts';

const MAX_ID_LENGTH = 64;

/**
 * Reuses the unpacked revision of an earlier deployment of the same group, as a restart wants it. The files are copied, never linked, so
 * that a script's changes in one do not reach the other.
 *
 * @returns whether it did; if not, the log says why and the bundle has to be downloaded
 * @see the official agent 2.1, `archive_reuse.rs`, for the checks
 */
export async function reuseArchive(
  ctx: SignatureContext & Pick<DeploymentContext, 'rootDir' | 'enableArchiveReuse' | 'limits' | 'entryRules'>,
  specification: DeploymentSpecification,
  signal?: AbortSignal,
): Promise<boolean> {
  const sourceId = specification.reuseArchiveFromDeploymentId;
  if (sourceId === null || !ctx.enableArchiveReuse) return false;
  const { deploymentGroupId, deploymentId } = specification;
  const own = deploymentPaths(ctx.rootDir, deploymentGroupId, deploymentId);
  const source = deploymentPaths(ctx.rootDir, deploymentGroupId, sourceId);
  const fields = { deploymentId, sourceDeploymentId: sourceId };
  try {
    const problem =
      sourceId === deploymentId ? 'it is this deployment itself' : problemOf(sourceId, source, specification);
    if (problem !== null) {
      ctx.log.warn(`the files of an earlier deployment cannot be taken again: ${problem}`, fields);
      return false;
    }
    await requireSignature(ctx, specification, { bundleFile: source.bundleFile, signaturesAt: 'host' }, signal);
    const { limits, entryRules: rules } = ctx;
    const { archiveDir } = own;
    await copyFolder({ sourceDir: source.archiveDir, archiveDir, limits, rules, ...(signal && { signal }) });
    reuseFiles(source, own);
    ctx.log.info('took the files of an earlier deployment again', fields);
    return true;
  } catch (error) {
    ctx.log.warn(`the files of an earlier deployment cannot be taken again: ${messageOf(error)}`, { ...fields, error });
    for (const path of [own.archiveDir, own.bundleFile, own.eTagFile]) rmSync(path, { recursive: true, force: true });
    removeSignatures(own);
    return false;
  }
}

function problemOf(
  sourceId: string,
  { archiveDir, deploymentDir, groupDir }: DeploymentPaths,
  { appSpecFilename }: DeploymentSpecification,
): string | null {
  if (!/^d-[A-Z0-9]+$/.test(sourceId) || sourceId.length > MAX_ID_LENGTH) return 'its id is none';
  const stats = lstatSync(archiveDir, { throwIfNoEntry: false });
  if (stats === undefined) return `${archiveDir} is not there`;
  if (!stats.isDirectory()) return `${archiveDir} is no folder`;
  if (!realpathSync(archiveDir).startsWith(`${realpathSync(groupDir)}/`))
    return `${archiveDir} leads out of ${groupDir}`;
  if (isTorn(deploymentDir)) return `this host went down before ${archiveDir} was on its disk`;
  if (readdirSync(archiveDir).length === 0) return `${archiveDir} is empty`;
  return locateAppSpec(archiveDir, appSpecFilename) === null ? `${archiveDir} has no AppSpec file` : null;
}

function reuseFiles(source: DeploymentPaths, own: DeploymentPaths): void {
  if (existsSync(source.bundleFile)) keepBundle(source.bundleFile, own.bundleFile);
  if (existsSync(source.eTagFile)) copyFileSync(source.eTagFile, own.eTagFile);
}
