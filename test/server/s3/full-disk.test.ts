import { readdirSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createLocks } from '../../../src/server/s3/locks.ts';
import { openObjectStore } from '../../../src/server/s3/object-store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { describeIf } from '../../support/needs.ts';
import { scratchFolder } from '../../support/scratch.ts';

const FACTS = { eTag: 'x', headers: {}, checksums: {}, checksumType: 'FULL_OBJECT', tags: [] } as const;

/** All room that is left, in pieces down to one byte. */
function fill(path: string): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // So much is not there any more.
    }
  }
}

describeIf(process.getuid?.() === 0, 'root')('On a full disk', () => {
  test('an object that is refused leaves nothing behind, and the one before it is still read', async () => {
    using scratch = scratchFolder();
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'slipway-test', scratch.path]);
    try {
      const store = openObjectStore(scratch.at('s3'), {
        clock: systemClock,
        random: systemRandom,
        isShared: false,
        locks: createLocks(),
      });
      store.createBucket('revisions');
      const put = async (text: string, before: () => void = () => undefined) => {
        const content = store.incoming();
        try {
          content.write(Buffer.from(text));
          await content.settle();
          before();
          return await store.put('revisions', 'a.zip', content, FACTS, { mayReplace: () => undefined });
        } finally {
          await content.discard();
        }
      };
      const { version } = await put('first');
      const [folder = ''] = readdirSync(scratch.at('s3/revisions'));
      const files = readdirSync(scratch.at(`s3/revisions/${folder}`));
      await expect(put('second', () => fill(scratch.at('filler')))).rejects.toThrow(/ENOSPC/);
      expect(readdirSync(scratch.at(`s3/revisions/${folder}`))).toEqual(files);
      expect(readdirSync(scratch.at('s3/.incoming'))).toEqual([]);
      expect(store.find('revisions', 'a.zip', null).object.version).toBe(version);
    } finally {
      await execa('umount', [scratch.path]);
    }
  });
});
