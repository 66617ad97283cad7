import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { clearAside, setAside } from '../../src/deployment/set-aside.ts';
import { eventually } from '../support/eventually.ts';
import { writeFiles } from '../support/install.ts';
import { scratchFolder } from '../support/scratch.ts';

test('a revision of many files is out of sight at once, and gone soon after, with what an earlier removal has left', async () => {
  using root = scratchFolder();
  writeFiles(root.at('.slipway/set-aside/left'), { 'folder/file': 'of before' });
  const names = Array.from({ length: 1000 }, (_, n) => [`folder-${n % 10}/file-${n}`, `${n}`]);
  const revision = writeFiles(root.at('group/d-1'), Object.fromEntries(names));
  expect(setAside(root.path, revision)).toBe(true);
  expect(existsSync(revision)).toBe(false);
  clearAside(root.path);
  await eventually(() => readdirSync(root.at('.slipway/set-aside')).length === 0);
});

/** A folder of the PATH with an `rm` that first writes down how much it gives way. */
function removalThatTells(folder: string, toldIn: string): string {
  mkdirSync(folder);
  const told = `nice > '${toldIn}'`;
  writeFileSync(`${folder}/rm`, `#!/bin/sh\n${told}\nexec /bin/rm "$@"\n`, { mode: 0o755 });
  return folder;
}

test('a folder that was set aside is removed at the lowest priority', async () => {
  using root = scratchFolder();
  writeFiles(root.at('.slipway/set-aside/left'), { 'folder/file': 'of before' });
  vi.stubEnv('PATH', `${removalThatTells(root.at('bin'), root.at('told'))}:${process.env['PATH']}`);
  try {
    clearAside(root.path);
  } finally {
    vi.unstubAllEnvs();
  }
  await eventually(() => readdirSync(root.at('.slipway/set-aside')).length === 0);
  expect(readFileSync(root.at('told'), 'utf8')).toBe('19\n');
});

test('a folder that was set aside is removed on a host without `nice`, too', async () => {
  using root = scratchFolder();
  writeFiles(root.at('.slipway/set-aside/left'), { 'folder/file': 'of before' });
  mkdirSync(root.at('bin'));
  symlinkSync('/bin/rm', root.at('bin/rm'));
  vi.stubEnv('PATH', root.at('bin'));
  try {
    clearAside(root.path);
  } finally {
    vi.unstubAllEnvs();
  }
  await eventually(() => readdirSync(root.at('.slipway/set-aside')).length === 0);
});

test('a revision of few files is left to who asked, and where nothing was ever set aside there is nothing to clear', () => {
  using root = scratchFolder();
  const revision = writeFiles(root.at('group/d-1'), { 'folder/file': 'small' });
  expect(setAside(root.path, revision)).toBe(false);
  expect(existsSync(revision)).toBe(true);
  clearAside(root.path);
  expect(existsSync(root.at('.slipway'))).toBe(false);
});
