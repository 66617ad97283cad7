/** Whose an object is. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whether a copy has another owner or group than its original and must be given away, which only root can.
 *
 * @param copied looks at the copy. All that is new in one folder belongs to the same: to the agent, and to its group or, below setgid, the
 * folder's; so one is looked at for as long as copies come into the same folder
 */
export type MustBeGiven = (original: Owner, path: string, copied: () => Owner) => boolean;

export function createMustBeGiven(): MustBeGiven {
  const isRoot = process.getuid?.() === 0;
  let folder: string | null = null;
  let ownerOfNew: Owner = { uid: 0, gid: 0 };
  return (original, path, copied) => {
    if (!isRoot) return false;
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent !== folder) {
      ownerOfNew = copied();
      folder = parent;
    }
    return original.uid !== ownerOfNew.uid || original.gid !== ownerOfNew.gid;
  };
}
