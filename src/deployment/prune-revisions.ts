import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isPartAtWork, partFileOf, removePart } from '../revision/bundle-part.ts';
import { removeTree } from '../system/remove-tree.ts';
import type { DeploymentContext } from './context.ts';
import type { SpaceNeeded } from './disk-space.ts';
import { deploymentPaths, groupPointers, readPointer, setAsideDir } from './layout.ts';
import { foldersToPrune, prunable, type RevisionFolder } from './retention.ts';
import { removeSetAside, setAside } from './set-aside.ts';

type PruneContext = Pick<DeploymentContext, 'rootDir' | 'maxRevisions' | 'maxRevisionsBytes' | 'trackingDir' | 'log'>;

/**
 * Deletes the old revisions of a deployment group that are too many. Never fails a deployment: what cannot be looked at or deleted is named
 * in the log and stays.
 */
export function pruneRevisions(ctx: PruneContext, groupId: string, currentDeploymentId: string): void {
  const { groupDir, deploymentDir } = deploymentPaths(ctx.rootDir, groupId, currentDeploymentId);
  const limits = { maxRevisions: ctx.maxRevisions, maxBytes: ctx.maxRevisionsBytes };
  guarded(ctx, groupDir, () => {
    const folders = revisionFolders(groupDir, limits.maxBytes !== null);
    for (const path of foldersToPrune(folders, limits, protection(ctx, groupId, deploymentDir))) {
      guarded(ctx, path, () => {
        if (!setAside(ctx.rootDir, path)) removeTree(path);
        ctx.log.info('removed an old revision', { path });
      });
    }
    // The revision is here: nobody will go on with a part of another download of this group.
    for (const path of partFiles(groupDir)) if (!isPartAtWork(path)) guarded(ctx, path, () => removePart(path));
  });
}

/**
 * Deletes what was set aside, and then old revisions of a group, oldest first, for as long as something does not fit. When even all of them would not make enough room,
 * none goes: a deployment that fails must not cost what a rollback needs.
 *
 * @param lacking asked before each; null: it fits
 */
export function pruneForSpace(
  ctx: PruneContext,
  groupId: string,
  currentDeploymentId: string,
  lacking: () => SpaceNeeded | null,
): void {
  const { groupDir, deploymentDir } = deploymentPaths(ctx.rootDir, groupId, currentDeploymentId);
  guarded(ctx, groupDir, () => {
    const folders = prunable(revisionFolders(groupDir, false), protection(ctx, groupId, deploymentDir));
    const all = folders.map(({ path }) => takenBy(path));
    guarded(ctx, setAsideDir(ctx.rootDir), () => removeSetAside(ctx.rootDir));
    const lacks = lacking();
    if (lacks === null) return;
    const isInVain = (what: keyof SpaceNeeded) => all.reduce((sum, one) => sum + one[what], 0) < lacks[what];
    if (isInVain('bytes') || isInVain('inodes')) {
      if (folders.length > 0)
        ctx.log.warn('old revisions stay: all of them together would not make enough room', { ...lacks });
      return;
    }
    for (const { path } of folders) {
      if (lacking() === null) return;
      guarded(ctx, path, () => {
        removeTree(path);
        ctx.log.info('removed an old revision, because space is short', { path });
      });
    }
  });
}

/** Parts of downloads of a group, wherever they broke off. */
export function partFiles(groupDir: string): readonly string[] {
  return readdirSync(groupDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => partFileOf(join(groupDir, name, 'bundle.tar')))
    .filter((path) => existsSync(path));
}

/** The current deployment, the last successful one, and any that is in use. */
function protection(ctx: PruneContext, groupId: string, currentDir: string): (path: string) => boolean {
  const lastSuccessful = readPointer(groupPointers(ctx.rootDir, groupId).lastSuccessful);
  return (path) =>
    path === currentDir ||
    path === lastSuccessful ||
    existsSync(join(ctx.trackingDir, basename(path))) ||
    isPartAtWork(partFileOf(join(path, 'bundle.tar')));
}

function revisionFolders(groupDir: string, withSizes: boolean): RevisionFolder[] {
  return readdirSync(groupDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(groupDir, entry.name))
    .map((path) => ({
      path,
      modifiedMs: statSync(path).mtimeMs,
      sizeBytes: withSizes ? takenBy(path).bytes : null,
    }));
}

/**
 * Counts the space that a folder takes; space shared by reflinks counts once for each file. Folder by folder: Node's own recursion goes
 * through links, and a revision may have one to anywhere.
 */
function takenBy(folder: string): SpaceNeeded {
  let [bytes, inodes] = [0, 1];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    const inside = entry.isDirectory() ? takenBy(path) : { bytes: 0, inodes: 1 };
    bytes += inside.bytes;
    inodes += inside.inodes;
  }
  return { bytes, inodes };
}

function guarded(ctx: PruneContext, path: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    ctx.log.warn('an old revision could not be removed', { path, error });
  }
}
