/** Attributes of a new file in a folder: its owner, its group, and bits of its mode. */
export interface Attributes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/**
 * Tells which attributes of an original its copy lacks, without a look at each copy. New files in one folder have the same owner and group
 * (the folder's group below setgid). They also lack the same bits: those of the umask, or of a default ACL. So what was seen of one copy
 * holds for the next ones in its folder.
 */
export interface NewFiles {
  /** @returns the mode to open a copy with: its own, unless somebody could read it who may not once it is given away */
  modeToOpen(path: string, original: Attributes): number;
  /** Whether the copy has another owner or group, and must be given away, which only root can. */
  mustBeGiven(path: string, original: Attributes, look: () => Attributes): boolean;
  /** @param opened the mode that it was opened with */
  hasMode(path: string, opened: number, mode: number, look: () => Attributes): boolean;
}

/** Mode of an unfinished file: others must not read it before it has its owner and its mode. */
export const UNFINISHED_MODE = 0o600;
const PERMISSION_BITS = 0o777;

export function createNewFiles(): NewFiles {
  const isRoot = process.getuid?.() === 0;
  let folder: string | null = null;
  let owner: Attributes | null = null;
  let granted = 0;
  let denied = 0;
  const enter = (path: string) => {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent === folder) return;
    folder = parent;
    owner = null;
    granted = 0;
    denied = 0;
  };
  const isOthers = ({ uid, gid }: Attributes, own: Attributes) => uid !== own.uid || gid !== own.gid;
  return {
    modeToOpen(path, original) {
      enter(path);
      const mode = original.mode & 0o7777;
      const isOwn = !isRoot || (owner !== null && !isOthers(original, owner));
      return isOwn && (mode & ~PERMISSION_BITS) === 0 ? mode : UNFINISHED_MODE;
    },
    mustBeGiven(path, original, look) {
      if (!isRoot) return false;
      enter(path);
      owner ??= look();
      return isOthers(original, owner);
    },
    hasMode(path, opened, mode, look) {
      if (opened !== mode || (mode & denied) !== 0) return false;
      enter(path);
      if ((mode & ~granted) === 0) return true;
      const actual = look().mode & PERMISSION_BITS;
      granted |= mode & actual;
      denied |= mode & ~actual;
      return actual === mode;
    },
  };
}
