import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { heldByDescriptor, isDescriptorPath } from './held-folders.ts';
import type { InstallFs } from './install-fs.ts';

/**
 * Below this, sharing takes longer than reading and writing: XFS first writes back what is still to be written of the original. Measured on
 * XFS and btrfs, where files of 128 KiB take about as long either way, and larger ones take less the larger they are.
 */
const LEAST_BYTES = 128 * 1024;
/** setuid, setgid: with them a file would for a moment lend the agent's own rights. */
const SET_ID_BITS = 0o6000;

/**
 * Lets a new, empty file share the content of another until one of them is written to. Both are open, and are reached by their descriptors.
 *
 * @param mode of the new file, which it keeps
 * @returns whether all content is there; if not, the new file is as it was
 */
export type Reflink = (from: number, original: Stats, to: number, mode: number) => boolean;

/**
 * Between two file systems that refuse it is tried once. Whatever the reason was, reading and writing goes on from there, and tells it
 * again where it is no matter of reflinks.
 */
export function createReflink(fs: InstallFs): Reflink {
  const refused = new Set<string>();
  return (from, original, to, mode) => {
    if (original.size < LEAST_BYTES || (original.mode & SET_ID_BITS) !== 0) return false;
    const pair = `${original.dev} ${fs.fstatSync(to).dev}`;
    const [source, destination] = [heldByDescriptor(fs, from, '').path, heldByDescriptor(fs, to, '').path];
    if (refused.has(pair) || !isDescriptorPath(source) || !isDescriptorPath(destination)) return false;
    try {
      fs.copyFileSync(source, destination, constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch {
      refused.add(pair);
      return false;
    } finally {
      // The original's is set before the file system is asked.
      fs.fchmodSync(to, mode);
    }
  };
}
