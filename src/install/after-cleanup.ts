/** The host as the clean-up of an Install leaves it. Pure. */
import { dirname } from 'node:path/posix';
import { childPath } from './child-path.ts';
import type { CleanupEntry, TreeView } from './types.ts';

/**
 * Returns the host as it would be without the previous Install's files. The paths of its cleanup file are absent, and so is a listed folder
 * in which nothing else is. Pure: nothing is removed.
 */
export function hostAfterCleanup(host: TreeView, previous: readonly CleanupEntry[]): TreeView {
  const gone = new Set<string>();
  // In the order in which cleanup would work, the reverse of creation: what lies in a folder is judged before the folder.
  for (const entry of [...previous].reverse()) {
    if (entry.kind !== 'path') continue;
    const facts = host.lstat(entry.path);
    if (facts === null) continue;
    if (facts.kind !== 'directory') gone.add(entry.path);
    else if (host.readdir(entry.path).every((name) => gone.has(childPath(entry.path, name)))) gone.add(entry.path);
  }
  return {
    lstat: (path) => (gone.has(path) ? null : host.lstat(path)),
    readdir: (path) => host.readdir(path).filter((name) => !gone.has(childPath(path, name))),
    readlink: (path) => host.readlink(path),
    realpath(path) {
      const real = host.realpath(path);
      return real !== null && gone.has(real) ? null : real;
    },
    sameContent: (a, b) => host.sameContent(a, b),
  };
}

/**
 * Returns the host without a way through links that an Install brought. Such a link is content, and the place where it leads is not this
 * group's. Objects that seem to lie below it count as absent, so that a folder in the link's place is built anew. Pure.
 *
 * @param isOthers whether the record of another group claims a path; null: there is none
 */
export function withoutOwnLinks(
  host: TreeView,
  previous: readonly CleanupEntry[],
  isOthers: ((path: string) => boolean) | null = null,
): TreeView {
  const isSymlink = (path: string) => host.lstat(path)?.kind === 'symlink';
  const links = new Set(previous.flatMap(({ kind, path }) => (kind === 'path' && isSymlink(path) ? path : [])));
  if (links.size === 0 && isOthers === null) return host;
  const isLink = (path: string) => links.has(path) || (isOthers?.(path) === true && isSymlink(path));
  const isBelowLink = (path: string) => {
    for (let at = dirname(path); at !== dirname(at); at = dirname(at)) if (isLink(at)) return true;
    return false;
  };
  return {
    ...host,
    lstat: (path) => (isBelowLink(path) ? null : host.lstat(path)),
    readdir: (path) => (isLink(path) || isBelowLink(path) ? [] : host.readdir(path)),
    realpath: (path) => (isBelowLink(path) ? null : host.realpath(path)),
  };
}
