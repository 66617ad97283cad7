/** Large files are synced one by one, so that an Install does not wait for what else is to be written to the file system. */
import { fstatSync, lstatSync, mkdirSync, type NoParamCallback } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areSyncedOneByOne } from '../../src/install/durability.ts';
import { runInstall } from '../../src/install/install.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import type { InstallPlan } from '../../src/install/types.ts';
import { diskError, watchedFs } from '../support/failing-fs.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const MIB = 1024 * 1024;
const OLD = { a: 'a', 'deep/b': 'b' };
const YOUNG = { a: 'A'.repeat(3 * MIB), 'deep/c': 'C'.repeat(MIB), 'new/d/e': 'E' };

function requestFor(scratch: ScratchFolder, revision: string) {
  const destination = scratch.at('site');
  const permission = { object: destination, pattern: '**', except: [], owner: null, group: null, context: null };
  const permissions = [{ ...permission, mode: '750', types: ['directory' as const], acls: null }];
  return installRequest(scratch.path, revision, {
    appSpec: appSpecFor({ files: [{ source: '', destination }], permissions }),
  });
}

describe('an Install of large files', () => {
  test('has synced every file and every new folder before the first comes to its place', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('two'), YOUNG);
    mkdirSync(scratch.at('site'));
    const synced = new Set<number>();
    let first: ReadonlySet<number> | null = null;
    const fs = {
      ...realInstallFs,
      fsyncSync(file: number) {
        realInstallFs.fsyncSync(file);
        synced.add(fstatSync(file).ino);
      },
      fsync: ((file: number, done: NoParamCallback) => {
        const { ino } = fstatSync(file);
        realInstallFs.fsync(file, (error) => {
          if (error === null) synced.add(ino);
          done(error);
        });
      }) as typeof realInstallFs.fsync,
      renameSync(from: Parameters<typeof realInstallFs.renameSync>[0], to: typeof from) {
        first ??= new Set(synced);
        realInstallFs.renameSync(from, to);
      },
    };
    await runInstall(installContext(fs), requestFor(scratch, 'two'));
    const inodes = (names: readonly string[]) => names.map((name) => lstatSync(scratch.at('site', name)).ino);
    const before = (first ?? new Set()) as ReadonlySet<number>;
    expect(inodes(['.', 'a', 'deep', 'deep/c', 'new', 'new/d', 'new/d/e']).filter((ino) => !before.has(ino))).toEqual(
      [],
    );
  });

  test('an Install of large files that meets a fault at any call leaves the old tree or the new one', async () => {
    let calls = 1;
    for (let call = 0; call <= calls; call += 1) {
      using scratch = scratchFolder();
      writeFiles(scratch.at('one'), OLD);
      writeFiles(scratch.at('two'), YOUNG);
      await runInstall(installContext(), requestFor(scratch, 'one'));
      const old = treeOf(scratch.at('site'), { times: true });
      const watched = watchedFs((number) => {
        if (number === call) throw diskError('EIO');
      });
      const fault = await runInstall(
        { ...installContext(watched.fs), tools: watched.tools },
        requestFor(scratch, 'two'),
      )
        .then(() => null)
        .catch((error: unknown) => error);
      if (call === 0) calls = watched.calls();
      await recoverInstalls(installContext(), scratch.at('instructions'));
      const now = treeOf(scratch.at('site'), { times: true });
      if (fault === null) expect(Object.keys(now), `call ${call}`).toEqual(Object.keys(treeOf(scratch.at('two'))));
      else expect(now, `call ${call}`).toEqual(old);
    }
    expect(calls).toBeGreaterThan(30);
  });
});

test('files are synced one by one when they are large on average, and all can be', () => {
  const file = fc.record({
    kind: fc.constantFrom('file' as const, 'symlink' as const),
    facts: fc.record({ sizeBytes: fc.nat({ max: 4 * MIB }) }),
  });
  fc.assert(
    fc.property(fc.array(file), fc.array(fc.string(), { maxLength: 1 }), (files, saved) => {
      const plan = { files, saved } as unknown as Pick<InstallPlan, 'files' | 'saved'>;
      const bytes = files.reduce((sum, { facts }) => sum + facts.sizeBytes, 0);
      const areLarge = files.length > 0 && bytes / files.length >= MIB;
      const canBe = saved.length === 0 && files.every(({ kind }) => kind === 'file');
      expect(areSyncedOneByOne(plan)).toBe(areLarge && canBe);
    }),
  );
});
