import { lstatSync, rmSync } from 'node:fs';

/** Each look may meet one more that goes at the same moment; a folder that somebody empties all the time is left with an error. */
const MAX_LOOKS = 20;

/**
 * Removes a file or a folder with all that is in it, also while somebody else removes things in there. Node's own removal takes a name that
 * goes under its hands for the end of its work: it returns as if all were gone.
 *
 * @throws Error of the file system, or one that says that it is still there
 */
export function removeTree(path: string): void {
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    rmSync(path, { recursive: true, force: true });
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  }
  throw new Error(`${path} is still there after ${MAX_LOOKS} removals`);
}
