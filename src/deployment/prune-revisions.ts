import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeploymentContext } from './context.ts';
import { deploymentPaths, groupPointers, readPointer } from './layout.ts';
import { foldersToPrune, type RevisionFolder } from './retention.ts';

/**
 * Deletes the old revisions of a deployment group that are too many. Never fails a deployment: what cannot be looked at or deleted is named
 * in the log and stays.
 */
export function pruneRevisions(
  ctx: Pick<DeploymentContext, 'rootDir' | 'maxRevisions' | 'log'>,
  groupId: string,
  currentDeploymentId: string,
): void {
  const { groupDir, deploymentDir } = deploymentPaths(ctx.rootDir, groupId, currentDeploymentId);
  const guarded = (path: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      ctx.log.warn('an old revision could not be removed', { path, error });
    }
  };
  guarded(groupDir, () => {
    const lastSuccessful = readPointer(groupPointers(ctx.rootDir, groupId).lastSuccessful);
    const isProtected = (path: string) => path === deploymentDir || path === lastSuccessful;
    for (const path of foldersToPrune(revisionFolders(groupDir), ctx.maxRevisions, isProtected)) {
      guarded(path, () => {
        rmSync(path, { recursive: true, force: true });
        ctx.log.info('removed an old revision', { path });
      });
    }
  });
}

function revisionFolders(groupDir: string): RevisionFolder[] {
  return readdirSync(groupDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(groupDir, entry.name))
    .map((path) => ({ path, modifiedMs: statSync(path).mtimeMs }));
}
