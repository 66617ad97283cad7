/** Files share their content with the revision where the file system has reflinks, and are copies in every other respect. */
import {
  chmodSync,
  chownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { watchedFs } from '../support/failing-fs.ts';
import { canMountImage, memory, mountedImage } from '../support/image.ts';
import { appSpecFor, installContext, installRequest } from '../support/install.ts';
import { describeIf } from '../support/needs.ts';
import { treeOf } from '../support/tree.ts';

const MIB = 2 ** 20;

/** A file that would show a page of another one. */
function content(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE((at * 2654435761 + seed) >>> 0, at);
  return bytes;
}

/** Whether all of a file's content belongs to another one as well: what FIEMAP says of its extents. */
function isShared(path: string): boolean {
  execaSync('sync', ['--file-system', path]);
  const extents = execaSync('filefrag', ['-v', path])
    .stdout.split('\n')
    .filter((line) => /^\s*\d+:/.test(line));
  return extents.length > 0 && extents.every((line) => line.includes('shared'));
}

for (const kind of ['xfs', 'btrfs'] as const) {
  describeIf(canMountImage(kind), `root, mkfs.${kind}, and the right to mount`)(`on ${kind}`, () => {
    test('large files share their content with the revision, and content, mode, owner and times are its own', async () => {
      using disk = mountedImage(kind);
      const at = (...names: string[]) => join(disk.path, ...names);
      mkdirSync(at('one/deep'), { recursive: true });
      writeFileSync(at('one/large'), content(20 * MIB + 17, 1));
      writeFileSync(at('one/deep/foreign'), content(3 * MIB, 2));
      writeFileSync(at('one/small'), content(4000, 3));
      chmodSync(at('one/large'), 0o751);
      chmodSync(at('one/deep/foreign'), 0o440);
      chownSync(at('one/deep/foreign'), 1234, 2345);
      utimesSync(at('one/large'), 1_000_000_000.25, 1_100_000_000.5);
      execaSync('sync', ['--file-system', disk.path]);
      const taken = usedBytes(disk.path);

      await runInstall(installContext(), installRequest(disk.path, 'one'));

      expect(treeOf(at('site'))).toEqual(treeOf(at('one')));
      expect(statSync(at('site/large'))).toMatchObject({ mode: 0o100751, uid: 0, gid: 0, mtimeMs: 1_100_000_000_500 });
      expect(statSync(at('site/deep/foreign'))).toMatchObject({ mode: 0o100440, uid: 1234, gid: 2345 });
      expect(isShared(at('site/large'))).toBe(true);
      expect(isShared(at('site/deep/foreign'))).toBe(true);
      expect(usedBytes(disk.path) - taken).toBeLessThan(4 * MIB);
    });

    test('a later change of an installed file does not change the revision', async () => {
      using disk = mountedImage(kind);
      const at = (...names: string[]) => join(disk.path, ...names);
      mkdirSync(at('one'));
      writeFileSync(at('one/large'), content(2 * MIB, 1));
      await runInstall(installContext(), installRequest(disk.path, 'one'));
      execaSync('dd', ['if=/dev/zero', `of=${at('site/large')}`, 'bs=4096', 'count=3', 'seek=7', 'conv=notrunc']);
      expect(readFileSync(at('site/large')).equals(content(2 * MIB, 1))).toBe(false);
      expect(readFileSync(at('one/large')).equals(content(2 * MIB, 1))).toBe(true);
    });

    test('a file that another hand has changed is saved as it was, for root alone to read', async () => {
      using disk = mountedImage(kind);
      const at = (...names: string[]) => join(disk.path, ...names);
      for (const [name, seed] of [
        ['one', 1],
        ['two', 2],
      ] as const) {
        mkdirSync(at(name));
        writeFileSync(at(name, 'large'), content(2 * MIB, seed));
      }
      await runInstall(installContext(), installRequest(disk.path, 'one'));
      writeFileSync(at('site/large'), content(2 * MIB, 9));
      expect(await runInstall(installContext(), installRequest(disk.path, 'two'))).toMatchObject({ saved: 1 });
      const copy = join(at('deployments/two/saved-files'), at('site/large'));
      expect(readFileSync(copy).equals(content(2 * MIB, 9))).toBe(true);
      expect(statSync(copy).mode & 0o777).toBe(0o600);
      expect(readFileSync(at('site/large')).equals(content(2 * MIB, 2))).toBe(true);
    });

    test('an AppSpec file may give the copy another owner and mode', async () => {
      using disk = mountedImage(kind);
      const at = (...names: string[]) => join(disk.path, ...names);
      mkdirSync(at('one'));
      writeFileSync(at('one/large'), content(2 * MIB, 1));
      const permission = {
        object: at('site'),
        pattern: '**',
        except: [],
        types: ['file' as const],
        owner: '1234',
        group: null,
        mode: '0600',
        acls: null,
        context: null,
      };
      const ctx = { ...installContext(), ids: { userId: Number, groupId: Number } };
      const appSpec = appSpecFor({ files: [{ source: '', destination: at('site') }], permissions: [permission] });
      await runInstall(ctx, installRequest(disk.path, 'one', { appSpec }));
      expect(lstatSync(at('site/large'))).toMatchObject({ mode: 0o100600, uid: 1234 });
      expect(statSync(at('one/large'))).toMatchObject({ mode: 0o100644, uid: 0 });
      expect(isShared(at('site/large'))).toBe(true);
    });

    test('a file with setuid is copied, because sharing would set the mode before the owner', async () => {
      using disk = mountedImage(kind);
      const at = (...names: string[]) => join(disk.path, ...names);
      mkdirSync(at('one'));
      writeFileSync(at('one/large'), content(2 * MIB, 1));
      chownSync(at('one/large'), 1234, 1234);
      chmodSync(at('one/large'), 0o4755);
      await runInstall(installContext(), installRequest(disk.path, 'one'));
      expect(statSync(at('site/large'))).toMatchObject({ mode: 0o104755, uid: 1234 });
      expect(isShared(at('site/large'))).toBe(false);
    });
  });
}

test('a file system without reflinks is asked once, and no copy is open to others before it is whole', async () => {
  const folder = mkdtempSync(join(memory(), 'slipway-test-'));
  try {
    mkdirSync(join(folder, 'one'));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'one', name), content(MIB, name.charCodeAt(0)));
    let asked = 0;
    const modes = new Set<number>();
    const { fs } = watchedFs((_call, name, [file, bytes]) => {
      if (name === 'copyFileSync') asked += 1;
      // The large writes are those of copies.
      if (name === 'writeSync' && (bytes as Buffer).length > 100_000) modes.add(fstatSync(file as number).mode & 0o777);
    });
    await runInstall(installContext(fs), installRequest(folder, 'one'));
    expect(treeOf(join(folder, 'site'))).toEqual(treeOf(join(folder, 'one')));
    // Where there is no such file system in memory, the folder may lie on one with reflinks.
    if (memory() === '/dev/shm') expect([asked, [...modes]]).toEqual([1, [0o600]]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function usedBytes(path: string): number {
  const [line = ''] = execaSync('df', ['--output=used', '--block-size=1', path]).stdout.split('\n').slice(1);
  return Number(line);
}
