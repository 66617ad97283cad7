/** Which old revisions of a deployment group go. Pure. */

export interface RevisionFolder {
  readonly path: string;
  readonly modifiedMs: number;
  /** On disk; null: nobody has counted, because nothing depends on it. */
  readonly sizeBytes: number | null;
}

export interface RetentionLimits {
  /** Revisions of the group, the current one included. */
  readonly maxRevisions: number;
  /** On disk, all revisions of the group together; null: any. */
  readonly maxBytes: number | null;
}

/**
 * Returns the folders to delete, oldest first, so that the rest is within the limits. Protected folders stay in any case, so the rest may
 * exceed the limits.
 *
 * @param folders all deployments of the group, the current one too
 * @param isProtected the current deployment, the last successful one, and any that is in use
 */
export function foldersToPrune(
  folders: readonly RevisionFolder[],
  { maxRevisions, maxBytes }: RetentionLimits,
  isProtected: (path: string) => boolean,
): readonly string[] {
  let count = folders.length;
  let bytes = folders.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const doomed: string[] = [];
  for (const { path, sizeBytes } of prunable(folders, isProtected)) {
    if (count <= maxRevisions && (maxBytes === null || bytes <= maxBytes)) break;
    doomed.push(path);
    count -= 1;
    bytes -= sizeBytes ?? 0;
  }
  return doomed;
}

/** Returns the folders that may be deleted at all, oldest first. */
export function prunable(
  folders: readonly RevisionFolder[],
  isProtected: (path: string) => boolean,
): readonly RevisionFolder[] {
  return folders
    .filter(({ path }) => !isProtected(path))
    .sort((a, b) => a.modifiedMs - b.modifiedMs || (a.path < b.path ? -1 : 1));
}
