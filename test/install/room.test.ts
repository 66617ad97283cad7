/** Room for the new tree: what is needed is known before the first byte is written. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import fc from 'fast-check';
import { createFsFromVolume, Volume } from 'memfs';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import type { InstallFs } from '../../src/install/install-fs.ts';
import { planInstall } from '../../src/install/plan.ts';
import type { FileSystem } from '../../src/install/room.ts';
import { diskView } from '../../src/install/tree-view.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { describeIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const BLOCK = 4096;
const AMPLE: FileSystem = { id: 'root', mountPoint: '/', blockBytes: BLOCK, freeBytes: 2 ** 40, freeInodes: 2 ** 20 };

/** Plans a revision of files of these sizes into `/data/site`; `/data` is a file system with this much free. */
function planInto(data: Partial<FileSystem>, sizes: readonly number[]) {
  const volume = Volume.fromJSON(Object.fromEntries(sizes.map((size, index) => [`/new/${index}`, 'x'.repeat(size)])));
  volume.mkdirSync('/new', { recursive: true });
  volume.mkdirSync('/data', { recursive: true });
  const view = diskView(createFsFromVolume(volume) as unknown as InstallFs);
  const small = { ...AMPLE, id: 'data', mountPoint: '/data', ...data };
  return planInstall({
    appSpec: appSpecFor({ files: [{ source: '', destination: '/data/site' }] }),
    archiveDir: '/new',
    archive: view,
    host: view,
    previous: [],
    fileExistsBehavior: 'DISALLOW',
    rules: { rejectUnsafePermissions: false, rejectUnconfinedSelinux: true },
    ids: { userId: () => 0, groupId: () => 0 },
    agentUid: 0,
    room: {
      fileSystemOf: (folder) => (`${folder}/`.startsWith('/data/') ? small : AMPLE),
      savedFilesDir: '/opt/saved',
      instructionsDir: '/opt/instructions',
    },
  });
}

describe('a plan', () => {
  const sizes = fc.array(fc.nat(3 * BLOCK), { minLength: 1, maxLength: 6 });

  test('fits exactly when each file system has the blocks for all that is written there', () => {
    fc.assert(
      fc.property(sizes, (files) => {
        const blocks = 1 + files.reduce((sum, size) => sum + Math.ceil(size / BLOCK), 0);
        expect(planInto({ freeBytes: blocks * BLOCK }, files).ok).toBe(true);
        const result = planInto({ freeBytes: blocks * BLOCK - 1 }, files);
        expect(result.ok ? [] : result.problems.map(({ rule }) => rule)).toEqual(['no-space']);
      }),
    );
  });

  test('fits exactly when there are the inodes, on file systems that have a number of them', () => {
    fc.assert(
      fc.property(sizes, (files) => {
        expect(planInto({ freeInodes: files.length + 1 }, files).ok).toBe(true);
        expect(planInto({ freeInodes: null }, files).ok).toBe(true);
        const result = planInto({ freeInodes: files.length }, files);
        expect(result.ok ? [] : result.problems.map(({ rule }) => rule)).toEqual(['no-inodes']);
      }),
    );
  });

  test('a plan that lacks both says where, how much is needed and how much there is', () => {
    const result = planInto({ freeBytes: BLOCK, freeInodes: 1 }, [2 ** 20]);
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(
        'the file system at /data has no space for /data/site and what comes with it: 1.1 MiB are needed and 0 MiB are free',
      ),
      expect.stringContaining('2 are needed and 1 are free'),
    ]);
  });
});

/** A small file system in memory, mounted on a folder. */
function mountSmall(folder: string, options: string): Disposable | null {
  mkdirSync(folder, { recursive: true });
  const mounted = execaSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { reject: false });
  return mounted.failed ? null : { [Symbol.dispose]: () => void execaSync('umount', ['--lazy', folder]) };
}

/** Only root may mount, and not in every container. */
function mayMount(): boolean {
  using scratch = scratchFolder();
  using mounted = mountSmall(scratch.at('probe'), 'size=64k');
  return mounted !== null;
}

describeIf(mayMount(), 'root, and the right to mount')('a small file system', () => {
  test('a file system without the space stays as it is, and the other problems are listed as well', async () => {
    using scratch = scratchFolder();
    using _mounted = mountSmall(scratch.at('site'), 'size=1m');
    writeFiles(scratch.at('one'), { big: 'x'.repeat(2 ** 20), mine: 'new' });
    writeFileSync(scratch.at('site', 'mine'), 'by hand');
    const attempt = runInstall(installContext(), installRequest(scratch.path, 'one'));
    await expect(attempt).rejects.toMatchObject({
      code: 'INSTALL_IMPOSSIBLE',
      message: expect.stringMatching(/mine exists already.*file system at .*\/site has no space for .*\/site\/big/s),
    });
    expect(readdirSync(scratch.at('site'))).toEqual(['mine']);
    expect(readdirSync(scratch.at('instructions'))).toEqual([]);
  });

  test('a file system without the inodes stays as it is', async () => {
    using scratch = scratchFolder();
    using _mounted = mountSmall(scratch.at('site'), 'size=4m,nr_inodes=8');
    writeFiles(scratch.at('one'), Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`f${index}`, 'x'])));
    const attempt = runInstall(installContext(), installRequest(scratch.path, 'one'));
    await expect(attempt).rejects.toThrow('has no inodes for');
    expect(readdirSync(scratch.at('site'))).toEqual([]);
  });

  test('a file system with just enough of both takes the revision', async () => {
    using scratch = scratchFolder();
    using _mounted = mountSmall(scratch.at('site'), 'size=1m,nr_inodes=8');
    writeFiles(scratch.at('one'), { big: 'x'.repeat(2 ** 20 - 5 * BLOCK), 'folder/small': 's' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('one')));
  });
});
