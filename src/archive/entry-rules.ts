/**
 * Rules for the names of a bundle's entries and for the targets of its links. Pure: texts in, a verdict out.
 *
 * Everything in a bundle is hostile until it passes here: a name must stay below the folder that is unpacked into. A symbolic link is
 * content and may point anywhere, because nothing is ever read or written through it; the operator may be stricter.
 */

/** Rules that the operator may have relaxed or tightened; see the keys of the same names in `docs/config.md`. */
export interface EntryRules {
  /** Which links a bundle may not hold: any, those that lead out of it, or none are refused. */
  readonly rejectSymlinks: RejectedLinks;
  /** Give entries the owners that the archive names, instead of the agent's user. */
  readonly keepOwnership: boolean;
}

export type RejectedLinks = boolean | 'escaping';

/** Limits of the file system, in bytes. */
const MAX_COMPONENT_BYTES = 255;
const MAX_PATH_BYTES = 4095;
/** As many as the kernel follows. */
const MAX_LINKS = 40;

export type PathVerdict =
  | { readonly ok: true /** Components below the root; none for the root itself. */; readonly parts: readonly string[] }
  | { readonly ok: false; readonly problem: 'escapes' | 'unusable'; readonly why: string; readonly remedy: string };

/** Judges the name of an entry. */
export function judgeEntryPath(name: string): PathVerdict {
  if (name.includes('\0')) return unusable('has a name that holds the character NUL');
  if (name.startsWith('/')) return escapes('has an absolute name');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return escapes("has a name that climbs out with '..'");
  if (parts.some((part) => Buffer.byteLength(part) > MAX_COMPONENT_BYTES)) {
    return unusable(`has a name of which a part is longer than ${MAX_COMPONENT_BYTES} bytes`);
  }
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) {
    return unusable(`has a name that is longer than ${MAX_PATH_BYTES} bytes`);
  }
  return { ok: true, parts };
}

/** Packers write such names when they are told to, as `tar -P` is. */
function escapes(why: string): PathVerdict {
  const remedy =
    'Nothing was unpacked. Pack the folder from within (tar -C FOLDER -czf BUNDLE .), so that each name is relative to it. If nobody has packed it otherwise, find out where the bundle comes from.';
  return { ok: false, problem: 'escapes', why, remedy };
}

function unusable(why: string): PathVerdict {
  return { ok: false, problem: 'unusable', why, remedy: 'Rename the file where the bundle is built, or leave it out.' };
}

/** Bits that give rights away, or keep others from removing: no bundle brings them, whatever it is packed as. */
export const NEVER_BROUGHT_BITS = 0o7000;

/** Permission bits that an entry may bring: never setuid, setgid or sticky. */
export function safeMode(mode: number | undefined, kind: 'file' | 'directory'): number {
  const usual = kind === 'file' ? 0o644 : 0o755;
  const bits = (mode ?? usual) & 0o777;
  // The agent itself must be able to work in a folder and to read a file of a revision. Otherwise it could neither use nor delete it.
  return kind === 'directory' ? bits | 0o700 : bits | 0o400;
}

/**
 * Whether a symbolic link leads out of the root, followed as the kernel would. A link in the middle of a path changes what `..` means, so
 * comparing texts is not enough.
 *
 * @param link path of the link below the root
 * @param links every symbolic link of the archive: path below the root → its target text
 */
export function linkEscapes(link: string, links: ReadonlyMap<string, string>): boolean {
  const pending = link.split('/');
  const resolved: string[] = [];
  let followed = 0;
  while (pending.length > 0) {
    const part = pending.shift();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      if (resolved.pop() === undefined) return true;
      continue;
    }
    const target = links.get([...resolved, part].join('/'));
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    if (target.startsWith('/')) return true;
    followed += 1;
    // A loop of links leads nowhere, and nowhere is not outside.
    if (followed > MAX_LINKS) return false;
    pending.unshift(...target.split('/'));
  }
  return false;
}
