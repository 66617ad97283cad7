import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../../src/system/remove-tree.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';

/** A folder of a test's own, gone with everything in it when the test lets go of it (`using folder = scratchFolder()`). */
export interface ScratchFolder extends Disposable {
  readonly path: string;
  /** A path inside the folder. */
  at(...names: string[]): string;
  /** The same path as a word of a shell's script, whatever the folder for temporary files is called. */
  word(...names: string[]): string;
}

export function scratchFolder(): ScratchFolder {
  const path = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  return {
    path,
    at: (...names) => join(path, ...names),
    word: (...names) => quoteForShell(join(path, ...names)),
    [Symbol.dispose]: () => removeTree(path),
  };
}
