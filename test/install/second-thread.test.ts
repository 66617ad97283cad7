import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Batch } from '../../src/install/batches.ts';
import type { SecondThread } from '../../src/install/crew.ts';
import { runInstall } from '../../src/install/install.ts';
import type { PlaceOperation } from '../../src/install/place.ts';
import { secondThread } from '../../src/install/second-thread.ts';
import { type Files, installContext, installRequest, writeFiles } from '../support/install.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

/** Batches enough for two: three folders make one. */
const FOLDERS = 12;
const FILES_PER_FOLDER = 30;

test('an Install of many files is done by two threads, each of which has its part, and is exact', async () => {
  using scratch = scratchFolder();
  const root = scratch.path;
  const [old, young] = ['old', 'new'].map((edition) => writeFiles(join(root, edition), manyFiles(edition)));
  const taken: Batch['work'][] = [];
  let [refused, turn] = [0, 0];
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    return {
      ...thread,
      mayTake(ahead) {
        // How fast the two are is a matter of luck: without this, one of them may have everything.
        turn += 1;
        const mayTake = turn % 2 === 1 && thread.mayTake(ahead);
        if (!mayTake) refused += 1;
        return mayTake;
      },
      take(batch) {
        taken.push(batch.work);
        thread.take(batch);
      },
    };
  };
  const ctx = { ...installContext(), secondThread: { leastFiles: 1, start } };
  for (const [edition, archive] of Object.entries({ old, new: young })) {
    const report = await runInstall(ctx, installRequest(root, edition));
    expect(report.files + report.unchanged).toBe(FOLDERS * FILES_PER_FOLDER + 1);
    expect(filesOf(join(root, 'site'))).toEqual(filesOf(archive ?? ''));
  }
  expect(new Set(taken)).toEqual(new Set(['compare', 'copy', 'place', 'discard']));
  expect(refused).toBeGreaterThan(0);
});

test('a file that the second thread cannot copy: the Install says which, and the old tree is back', async () => {
  using scratch = scratchFolder();
  const { root, before } = await installed(scratch.path);
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    const take = (batch: Batch) => {
      if (batch.work === 'copy') rmSync(join(root, 'new/folder-8/file-7'), { force: true });
      thread.take(batch);
    };
    return { ...thread, take, mayTake: () => true };
  };
  await expect(
    runInstall({ ...installContext(), secondThread: { leastFiles: 1, start } }, installRequest(root, 'new')),
  ).rejects.toMatchObject({
    code: 'INSTALL_FAILED',
    message: expect.stringMatching(/new\/folder-8\/file-7 could not be copied to .*ENOENT/),
  });
  expect(treeOf(join(root, 'site'), { times: true })).toEqual(before);
});

test('two threads compare many files: equal ones stay as they are, and all others are replaced', async () => {
  using scratch = scratchFolder();
  const { root } = await installed(scratch.path);
  const same = Object.keys(manyFiles('old')).filter((path, n) => path !== 'link' && n % 3 === 0);
  for (const path of same) copyFileSync(join(root, 'old', path), join(root, 'new', path));
  const inode = (path: string) => statSync(join(root, 'site', path)).ino;
  const before = new Map(same.map((path) => [path, inode(path)]));
  const compared = { here: 0, beside: 0 };
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    let turn = 0;
    return {
      ...thread,
      mayTake() {
        turn += 1;
        if (turn % 2 === 0) compared.here += 1;
        return turn % 2 === 1;
      },
      take(batch) {
        if (batch.work === 'compare') compared.beside += 1;
        thread.take(batch);
      },
    };
  };
  const ctx = { ...installContext(), secondThread: { leastFiles: 1, start } };
  const report = await runInstall(ctx, installRequest(root, 'new'));
  // The link is the same in both.
  expect(report.unchanged).toBe(same.length + 1);
  expect(compared.here).toBeGreaterThan(0);
  expect(compared.beside).toBeGreaterThan(0);
  expect(new Map(same.map((path) => [path, inode(path)]))).toEqual(before);
  expect(treeOf(join(root, 'site'))).toEqual(treeOf(join(root, 'new')));
});

test('a file that the second thread cannot compare: the Install says which, and nothing is changed', async () => {
  using scratch = scratchFolder();
  const { root, before } = await installed(scratch.path);
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    const take = (batch: Batch) => {
      // It goes between the plan's look at it and the comparison.
      if (batch.work === 'compare') for (const { source } of batch.items) rmSync(source, { force: true });
      thread.take(batch);
    };
    return { ...thread, take, mayTake: () => true };
  };
  await expect(
    runInstall({ ...installContext(), secondThread: { leastFiles: 1, start } }, installRequest(root, 'new')),
  ).rejects.toMatchObject({
    code: 'INSTALL_FAILED',
    message: expect.stringMatching(/new\/folder-\d+\/file-\d+ could not be compared with .*ENOENT/),
  });
  expect(treeOf(join(root, 'site'), { times: true })).toEqual(before);
});

test('a file that comes to be before the second thread puts its own there: the old tree is back, and that file stays', async () => {
  using scratch = scratchFolder();
  const { root, plain } = await installed(scratch.path, { 'folder-8/added': 'the revision’s' });
  const appeared = join(root, 'site/folder-8/added');
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    const take = (batch: Batch) => {
      if (batch.work === 'place' && !existsSync(appeared)) writeFileSync(appeared, 'somebody else’s');
      thread.take(batch);
    };
    return { ...thread, take, mayTake: () => true };
  };
  await expect(
    runInstall({ ...installContext(), secondThread: { leastFiles: 1, start } }, installRequest(root, 'new')),
  ).rejects.toMatchObject({
    code: 'INSTALL_FAILED',
    message: `${appeared} has come to be while Install was at work, made by somebody else`,
    remedy: expect.stringContaining('ApplicationStop'),
  });
  expect(readFileSync(appeared, 'utf8')).toBe('somebody else’s');
  rmSync(appeared);
  expect(treeOf(join(root, 'site'))).toEqual(plain);
});

test('a second thread that ends in the middle of the commit: the old tree is back', async () => {
  using scratch = scratchFolder();
  const { root, before } = await installed(scratch.path);
  const start = (agentUid: number): SecondThread => {
    const thread = awaited(secondThread.start(agentUid));
    const take = (batch: Batch) => {
      thread.take(
        batch.work === 'place' ? { work: 'discard', items: Array.from({ length: 1_000_000 }, unplaced) } : batch,
      );
    };
    return { ...thread, take };
  };
  await expect(
    runInstall({ ...installContext(), secondThread: { leastFiles: 1, start } }, installRequest(root, 'new')),
  ).rejects.toMatchObject({
    code: 'INSTALL_FAILED',
    message: expect.stringMatching(/^a thread of the Install ended: .*memory/),
    remedy: expect.stringContaining('Deploy again'),
  });
  expect(treeOf(join(root, 'site'), { times: true })).toEqual(before);
});

test('where no second thread can be started, or it never comes, one thread installs everything', async () => {
  using scratch = scratchFolder();
  const root = scratch.path;
  const never = (agentUid: number): SecondThread => ({
    ...awaited(secondThread.start(agentUid)),
    mayTake: () => false,
  });
  for (const [edition, start] of Object.entries({ old: () => null, new: never })) {
    const archive = writeFiles(join(root, edition), manyFiles(edition));
    await runInstall({ ...installContext(), secondThread: { leastFiles: 1, start } }, installRequest(root, edition));
    expect(treeOf(join(root, 'site'))).toEqual(treeOf(archive));
  }
});

/** With their times; those of folders are not the revision's. */
function filesOf(folder: string): Record<string, string> {
  const all = Object.entries(treeOf(folder, { times: true }));
  return Object.fromEntries(all.filter(([, what]) => !what.startsWith('directory')));
}

/** The old revision is installed, and the new one, with what is added, is ready to be. */
async function installed(root: string, added: Files = {}) {
  writeFiles(join(root, 'old'), manyFiles('old'));
  writeFiles(join(root, 'new'), { ...manyFiles('new'), ...added });
  await runInstall(installContext(), installRequest(root, 'old'));
  const site = join(root, 'site');
  return { root, before: treeOf(site, { times: true }), plain: treeOf(site) };
}

/** So many of them are more than the thread may hold. */
function unplaced(): PlaceOperation {
  return { op: 'place', temp: '/no/temp', path: '/no/path', backup: null };
}

/** Waits in this thread until the other is there, as no Install does: which of them has what would be a matter of luck. */
function awaited(thread: SecondThread | null): SecondThread {
  if (thread === null) throw new Error('no thread could be started');
  const sleeping = new Int32Array(new SharedArrayBuffer(4));
  while (!thread.mayTake(1)) Atomics.wait(sleeping, 0, 0, 1);
  return thread;
}

function manyFiles(edition: string): Files {
  const files: Record<string, string> = { link: '->folder-0/file-0' };
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    for (let file = 0; file < FILES_PER_FOLDER; file += 1) {
      files[`folder-${folder}/file-${file}`] = `${edition} ${folder} ${file}`;
    }
  }
  return files;
}
