import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { withScratchFolder } from '../../src/system/scratch-folder.ts';
import { scratchFolder } from '../support/scratch.ts';

const before = process.env['TMPDIR'];
afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
});

async function faultOf(work: Promise<unknown>): Promise<SlipwayError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof SlipwayError ? error : expect.fail(`no SlipwayError: ${String(error)}`);
}

test.each([
  ['absent', 'is not there', 'Make it, or set TMPDIR'],
  ['a-file', 'is no folder', 'Set TMPDIR to a folder.'],
])('a folder for temporary files that cannot be used is named with its remedy: %s', async (name, fault, remedy) => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('a-file'), '');
  process.env['TMPDIR'] = scratch.at(name);
  const error = await faultOf(withScratchFolder(async () => expect.fail('it was lent')));
  expect(error.code).toBe('TEMPORARY_FOLDER_UNUSABLE');
  expect(error.message).toContain(`${scratch.at(name)}, ${fault}`);
  expect(error.remedy).toContain(remedy);
});

test('work that finds no room in the folder for temporary files names that folder, and nothing is left in it', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('small'));
  process.env['TMPDIR'] = scratch.at('small');
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const work = withScratchFolder(async (folder) => {
    writeFileSync(join(folder, 'part'), 'x');
    throw new SlipwayError('ARCHIVE_DISK_FULL', 'the entry does not fit', { cause: full });
  });
  const error = await faultOf(work);
  expect(error.code).toBe('TEMPORARY_FOLDER_UNUSABLE');
  expect(error.message).toContain(`${scratch.at('small')}, has no room left`);
  expect(readdirSync(scratch.at('small'))).toEqual([]);
});
