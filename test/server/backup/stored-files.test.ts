import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { storedFiles } from '../../../src/server/backup/stored-files.ts';
import { openIncoming } from '../../../src/server/s3/incoming-file.ts';
import { addMarker, addObject, latestIn, nextSequence, removeVersion } from '../../../src/server/s3/key-folder.ts';
import { readVersion, type StoredVersion } from '../../../src/server/s3/stored-version.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';

/** A bucket may be called as the file of a key. */
const KEY_FOLDER = 's3/latest/key';

const CHANGES: readonly [string, (folder: string, round: number) => Promise<void>][] = [
  ['gets a new version', (folder, round) => put(folder, `v${round + 1}`)],
  [
    'is overwritten, and its version of before goes',
    async (folder, round) => {
      const before = latestIn(folder);
      await put(folder, `v${round + 1}`);
      if (before !== null) await removeVersion(folder, before);
    },
  ],
  [
    'gets a delete marker',
    (folder, round) =>
      addMarker(folder, {
        ...{ kind: 'delete-marker', key: 'web.zip', version: `m${round}` },
        ...{ sequence: nextSequence(folder), modifiedAtMs: 0 },
      }),
  ],
];

test.each(CHANGES)(
  'a key that %s after each of its first files was copied is in the copy, as it was at one time',
  async (_, change) => {
    using scratch = scratchFolder();
    const folder = scratch.at(`data/${KEY_FOLDER}`);
    await put(folder, 'v1');
    const latest = await copied(scratch, (round) => (round <= 4 ? change(folder, round) : undefined));
    expect(latest).toEqual(latestIn(folder));
  },
);

test('a key that is removed while it is copied is in the copy or not, and ends no backup', async () => {
  using scratch = scratchFolder();
  const folder = scratch.at(`data/${KEY_FOLDER}`);
  await put(folder, 'v1');
  await put(scratch.at('data/s3/latest/other'), 'v1');
  await copied(scratch, async (round) => {
    const there = latestIn(folder);
    if (round === 1 && there !== null) await removeVersion(folder, there);
  });
  expect(existsSync(folder)).toBe(false);
  expect(latestIn(scratch.at('copy/s3/latest/other'))).toMatchObject({ version: 'v1' });
});

/** Copies as a backup does. @returns what the key holds in the copy */
async function copied(
  scratch: ScratchFolder,
  afterEach: (round: number) => Promise<void> | undefined,
): Promise<StoredVersion | null> {
  let round = 0;
  for (const { path, content } of storedFiles(scratch.at('data'))) {
    const target = scratch.at(`copy/${path}`);
    mkdirSync(dirname(target), { recursive: true });
    const source = scratch.at(`data/${path}`);
    if (content !== null) writeFileSync(target, content);
    else if (existsSync(source)) cpSync(source, target);
    round += 1;
    await afterEach(round);
  }
  return latestIn(scratch.at(`copy/${KEY_FOLDER}`));
}

async function put(folder: string, version: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const content = openIncoming(`${dirname(folder)}.incoming`);
  content.write(Buffer.from(version));
  await content.settle();
  const stored = readVersion(JSON.stringify({ key: 'web.zip', version, sequence: nextSequence(folder) }));
  if (stored.kind === 'object') await addObject(folder, stored, content);
}
