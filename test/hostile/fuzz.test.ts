import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { fuzz } from './fuzzing.ts';

test('honest bundles and AppSpec files, damaged in every way, end in success or in an error with a code', async () => {
  using scratch = scratchFolder();
  const { tried, findings, ends } = await fuzz({ seed: 1, first: 0, most: { cases: 300 }, folder: scratch.path });
  expect(findings).toEqual([]);
  expect(tried).toBe(300);
  // The damage goes past the checks that come first.
  expect([...ends.keys()]).toEqual(
    expect.arrayContaining(['unpacked', 'accepted', 'ARCHIVE_CORRUPT', 'ARCHIVE_TRUNCATED']),
  );
}, 120_000);
