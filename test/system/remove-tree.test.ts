import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/system/clock.ts';
import { removeTree } from '../../src/system/remove-tree.ts';
import { scratchFolder } from '../support/scratch.ts';

const REMOVES_SOME = 'touch "$1.begun"; exec find "$1" -name "f*" -delete';

test('a folder is gone when its removal returns, also while another process removes files in it', async () => {
  using scratch = scratchFolder();
  for (let round = 0; round < 5; round += 1) {
    const folder = scratch.at(`tree-${round}`);
    for (let parent = 0; parent < 3; parent += 1) {
      mkdirSync(`${folder}/${parent}`, { recursive: true });
      for (let file = 0; file < 100; file += 1) writeFileSync(`${folder}/${parent}/f${file}`, '');
    }
    // The other one may find that its files have gone, and says so by its status.
    const other = promisify(execFile)('sh', ['-c', REMOVES_SOME, 'sh', folder]).catch(() => undefined);
    while (!existsSync(`${folder}.begun`)) await systemClock.sleep(1);
    removeTree(folder);
    expect(existsSync(folder)).toBe(false);
    await other;
  }
});

test('nothing to remove is no error', () => {
  using scratch = scratchFolder();
  removeTree(scratch.at('nothing'));
  expect(existsSync(scratch.at('nothing'))).toBe(false);
});
