import { existsSync, readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { clearAside, removeAside } from '../../src/deployment/set-aside.ts';
import { writeFiles } from '../support/install.ts';
import { scratchFolder } from '../support/scratch.ts';

test('a revision of many files is out of sight at once, and gone soon after, with what an earlier removal has left', async () => {
  using root = scratchFolder();
  writeFiles(root.at('.slipway/set-aside/left'), { 'folder/file': 'of before' });
  const names = Array.from({ length: 1000 }, (_, n) => [`folder-${n % 10}/file-${n}`, `${n}`]);
  const revision = writeFiles(root.at('group/d-1'), Object.fromEntries(names));
  expect(removeAside(root.path, revision)).toBe(true);
  expect(existsSync(revision)).toBe(false);
  await vi.waitFor(() => expect(readdirSync(root.at('.slipway/set-aside'))).toEqual([]), { timeout: 20_000 });
});

test('a revision of few files is left to who asked, and where nothing was ever set aside there is nothing to clear', () => {
  using root = scratchFolder();
  const revision = writeFiles(root.at('group/d-1'), { 'folder/file': 'small' });
  expect(removeAside(root.path, revision)).toBe(false);
  expect(existsSync(revision)).toBe(true);
  clearAside(root.path);
  expect(existsSync(root.at('.slipway'))).toBe(false);
});
