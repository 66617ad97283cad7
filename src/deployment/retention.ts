/** Which old revisions of a deployment group go. Pure. */

export interface RevisionFolder {
  readonly path: string;
  readonly modifiedMs: number;
}

/**
 * The folders to delete, oldest first, so that at most `maxRevisions` stay, the current one included; what is protected stays in any
 * case, and may make it one more.
 *
 * @param folders all deployments of the group, the current one too
 * @param isProtected the current deployment, the last successful one, and any that is in use
 */
export function foldersToPrune(
  folders: readonly RevisionFolder[],
  maxRevisions: number,
  isProtected: (path: string) => boolean,
): readonly string[] {
  const candidates = folders
    .filter(({ path }) => !isProtected(path))
    .sort((a, b) => a.modifiedMs - b.modifiedMs || (a.path < b.path ? -1 : 1));
  const extra = folders.length - maxRevisions;
  return candidates.slice(0, Math.max(0, extra)).map(({ path }) => path);
}
