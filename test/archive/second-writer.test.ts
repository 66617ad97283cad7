import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileBatch } from '../../src/archive/file-batch.ts';
import { packBundle } from '../../src/archive/pack.ts';
import { secondWriter } from '../../src/archive/second-writer.ts';
import { type SecondWriter, type SecondWriters, SMALL_BYTES } from '../../src/archive/small-files.ts';
import { type UnpackRequest, unpackBundle } from '../../src/archive/unpack.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

/** Files of a folder make a batch. */
const FOLDERS = 10;
const FILES_PER_FOLDER = 66;

/** Bundles that no test changes. */
const shared = scratchFolder();
const manyTar = shared.at('many.tar');
beforeAll(() => packBundle({ sourceDir: manyFiles(shared.at('many')), bundleFile: manyTar, bundleType: 'tar' }));
afterAll(() => shared[Symbol.dispose]());

test.each(['tar', 'tgz', 'zip'] as const)(
  'a %s of many files is written by two threads, each of which has its part, and is exact',
  async (bundleType) => {
    using scratch = scratchFolder();
    const bundleFile = scratch.at('bundle');
    await packBundle({ sourceDir: shared.at('many'), bundleFile, bundleType });
    const taken: FileBatch[] = [];
    let refused = 0;
    const secondWriters = writersThat((thread) => ({
      mayTake(ahead) {
        // How fast the two are is a matter of luck: without this, one of them may have everything.
        const mayTake = thread.mayTake(ahead) && (ahead === Number.POSITIVE_INFINITY || taken.length <= refused);
        if (!mayTake) refused += 1;
        return mayTake;
      },
      take(batch) {
        taken.push(batch);
        thread.take(batch);
      },
    }));
    const report = await unpackTo(scratch.at('archive'), { bundleFile, bundleType, secondWriters });
    await unpackTo(scratch.at('alone'), { bundleFile, bundleType });
    expect(filesOf(scratch.at('archive'))).toEqual(filesOf(scratch.at('alone')));
    const source = treeOf(shared.at('many'));
    expect(treeOf(scratch.at('archive'))).toEqual(source);
    expect(report.entries).toBe(Object.keys(source).length);
    expect(taken.length).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  },
);

test('an entry that needs an earlier one waits for the thread that writes it: hard links, and the same name once more', async () => {
  using scratch = scratchFolder();
  const sourceDir = manyFiles(scratch.at('source'));
  for (let n = 0; n < FOLDERS; n += 1)
    linkSync(join(sourceDir, `folder-${n}/file-0`), join(sourceDir, `folder-${n}/file-0-again`));
  const bundleFile = scratch.at('bundle');
  execFileSync('tar', ['-cf', bundleFile, '-C', sourceDir, '.']);
  for (const edition of ['second', 'third']) {
    writeFileSync(join(sourceDir, 'folder-3/file-7'), `the ${edition} content`);
    execFileSync('tar', ['-rf', bundleFile, '-C', sourceDir, './folder-3/file-7']);
  }
  const secondWriters = writersThat((thread) => ({ mayTake: () => thread.mayTake(Number.POSITIVE_INFINITY) }));
  await unpackTo(scratch.at('archive'), { bundleFile, bundleType: 'tar', secondWriters });
  expect(treeOf(scratch.at('archive'))).toEqual(treeOf(sourceDir));
  expect(statSync(scratch.at('archive', 'folder-5/file-0')).nlink).toBe(2);
});

test('a file that the second thread cannot write: the error names its entry, and nothing is left', async () => {
  using scratch = scratchFolder();
  let name = '';
  const secondWriters = writersThat((thread) => ({
    take(batch) {
      const [, file] = batch.files;
      name ||= file?.name ?? '';
      // Something has this very name already.
      if (file !== undefined && name === file.name) writeFileSync(file.path, 'somebody else’s');
      thread.take(batch);
    },
  }));
  await expect(
    unpackTo(scratch.at('archive'), { bundleFile: manyTar, bundleType: 'tar', secondWriters }),
  ).rejects.toMatchObject({
    code: 'ARCHIVE_CANNOT_WRITE',
    message: expect.stringContaining(`the entry '${name}' of the bundle cannot be written: EEXIST`),
  });
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('a second thread that ends by itself: the bundle is not unpacked, and nothing is left', async () => {
  using scratch = scratchFolder();
  // More than the thread may hold.
  const secondWriters = writersThat((thread) => ({
    take: (batch) =>
      thread.take({ ...batch, files: batch.files.map((file) => ({ ...file, name: 'x'.repeat(2_000_000) })) }),
  }));
  await expect(
    unpackTo(scratch.at('archive'), { bundleFile: manyTar, bundleType: 'tar', secondWriters }),
  ).rejects.toMatchObject({
    code: 'ARCHIVE_CANNOT_WRITE',
    message: expect.stringMatching(/a thread of it ended: .*memory/),
    remedy: expect.stringContaining('Deploy again'),
  });
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('where no second thread can be started, or it never comes, one thread writes everything', async () => {
  using scratch = scratchFolder();
  const never = writersThat(() => ({ mayTake: () => false }));
  for (const [name, secondWriters] of Object.entries({ none: { leastFiles: 1, start: () => null }, never })) {
    await unpackTo(scratch.at(name), { bundleFile: manyTar, bundleType: 'tar', secondWriters });
    expect(treeOf(scratch.at(name))).toEqual(treeOf(shared.at('many')));
  }
});

test('an abort in the middle leaves nothing, and nobody writes there any more', async () => {
  using scratch = scratchFolder();
  const bundleFile = scratch.at('bundle');
  await packBundle({ sourceDir: manyFiles(scratch.at('source'), 20), bundleFile, bundleType: 'tar' });
  const stop = new AbortController();
  const secondWriters = writersThat((thread) => ({
    take(batch) {
      stop.abort(new Error('enough'));
      thread.take(batch);
    },
  }));
  const { signal } = stop;
  await expect(
    unpackTo(scratch.at('archive'), { bundleFile, bundleType: 'tar', secondWriters, signal }),
  ).rejects.toThrow('enough');
  expect(readdirSync(scratch.path).sort()).toEqual(['bundle', 'source']);
});

function unpackTo(archiveDir: string, request: Omit<UnpackRequest, 'archiveDir' | 'limits' | 'rules'>) {
  return unpackBundle({ ...request, ...UNPACK_RULES, archiveDir });
}

/** Second writers that begin at once and are there before anything is written, with something else in their place. */
function writersThat(differ: (thread: SecondWriter) => Partial<SecondWriter>): SecondWriters {
  return {
    leastFiles: 1,
    start(grantedBits) {
      const thread = secondWriter.start(grantedBits);
      if (thread === null) throw new Error('no thread could be started');
      const sleeping = new Int32Array(new SharedArrayBuffer(4));
      while (!thread.mayTake(1)) Atomics.wait(sleeping, 0, 0, 1);
      return { ...thread, ...differ(thread) };
    },
  };
}

/** With their times; those of folders are not the bundle's where it has no entries for them. */
function filesOf(folder: string): Record<string, string> {
  const all = Object.entries(treeOf(folder, { times: true }));
  return Object.fromEntries(all.filter(([, what]) => !what.startsWith('directory')));
}

/** Small files of several modes, and among them what goes into no batch: empty ones, the largest that does, larger ones, links. */
function manyFiles(folder: string, largeMiB = 1): string {
  for (let n = 0; n < FOLDERS; n += 1) {
    const below = join(folder, `folder-${n}`);
    mkdirSync(below, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file += 1) {
      const path = join(below, `file-${file}`);
      writeFileSync(path, file % 9 === 0 ? '' : `content ${n} ${file} `.repeat(file));
      chmodSync(path, [0o644, 0o600, 0o755, 0o666][file % 4] ?? 0o644);
    }
    symlinkSync('file-1', join(below, 'link'));
  }
  for (const [name, bytes] of Object.entries({ most: SMALL_BYTES, more: SMALL_BYTES + 1, large: largeMiB * 2 ** 20 })) {
    writeFileSync(join(folder, 'folder-9', name), Buffer.alloc(bytes, name));
  }
  rmSync(join(folder, 'folder-8/file-3'));
  return folder;
}
