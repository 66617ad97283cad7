/** Calls that reach their objects through folders that are held. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { anchorFs } from '../../src/install/anchored-fs.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import { isTrustedLink } from '../../src/install/trusted-links.ts';
import { testIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';

const AGENT = process.getuid?.() ?? 0;
const hasProc = existsSync('/proc/self/fd');
const openFiles = () => readdirSync('/proc/self/fd').length;

describe('folders that are held', () => {
  test('are reached through links of the operator, relative and absolute, up and down', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    mkdirSync(scratch.at('data/site/deep'), { recursive: true });
    mkdirSync(scratch.at('links'));
    symlinkSync(scratch.at('data/site'), scratch.at('links/absolute'));
    symlinkSync('../links/absolute/deep/..//./deep', scratch.at('links/relative'));
    for (const [name, folder] of [
      ['a', 'links/absolute/deep'],
      ['b', 'links/relative'],
    ]) {
      anchored.fs.closeSync(anchored.fs.openSync(scratch.at(folder ?? '', name ?? ''), 'wx'));
    }
    expect(readdirSync(scratch.at('data/site/deep'))).toEqual(['a', 'b']);
    anchored.fs.rmSync(scratch.at('links/absolute/deep'), { recursive: true });
    expect(readdirSync(scratch.at('data/site'))).toEqual([]);
  });

  test('are never reached through a link that somebody else can exchange', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    mkdirSync(scratch.at('outside'));
    mkdirSync(scratch.at('open'));
    chmodSync(scratch.at('open'), 0o777);
    symlinkSync(scratch.at('outside'), scratch.at('open/site'));
    expect(() => anchored.fs.mkdirSync(scratch.at('open/site/new'))).toThrow(
      expect.objectContaining({
        code: 'INSTALL_LINK_PLANTED',
        message: expect.stringContaining(scratch.at('open/site')),
      }),
    );
    // The link itself is an object like any other.
    anchored.fs.rmSync(scratch.at('open/site'), { recursive: true });
    expect(readdirSync(scratch.at('open'))).toEqual([]);
    expect(existsSync(scratch.at('outside'))).toBe(true);
  });

  test('stay the same when another takes their name', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    mkdirSync(scratch.at('site'));
    anchored.fs.mkdirSync(scratch.at('site/one'));
    renameSync(scratch.at('site'), scratch.at('aside'));
    mkdirSync(scratch.at('site'));
    anchored.fs.mkdirSync(scratch.at('site/two'));
    expect(readdirSync(scratch.at('site'))).toEqual([]);
    expect(readdirSync(scratch.at('aside'))).toEqual(['one', 'two']);
  });

  test('are looked up anew when Install itself has moved them', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    mkdirSync(scratch.at('new/deep'), { recursive: true });
    mkdirSync(scratch.at('site/deep'), { recursive: true });
    for (const folder of ['new', 'site']) anchored.fs.symlinkSync(folder, scratch.at(folder, 'deep/name'));
    anchored.fs.renameSync(scratch.at('site'), scratch.at('old'));
    anchored.fs.renameSync(scratch.at('new'), scratch.at('site'));
    expect(anchored.fs.readlinkSync(scratch.at('site/deep/name'))).toBe('new');
    expect(anchored.fs.readlinkSync(scratch.at('old/deep/name'))).toBe('site');
    expect(anchored.fs.lstatSync(scratch.at('new/deep/name'), { throwIfNoEntry: false })).toBeUndefined();
  });

  testIf(hasProc, '/proc')('are only so many at once, however many there are, and none afterwards', () => {
    using scratch = scratchFolder();
    const before = openFiles();
    {
      using anchored = anchorFs(realInstallFs, AGENT);
      for (let round = 0; round < 2; round += 1) {
        for (let number = 0; number < 600; number += 1) {
          const folder = scratch.at(`folder-${number}`, 'a/b');
          anchored.fs.mkdirSync(folder, { recursive: true });
          anchored.fs.symlinkSync(String(number), `${folder}/link-${round}`);
        }
      }
      expect(openFiles() - before).toBeLessThan(300);
    }
    expect(openFiles()).toBe(before);
    expect(readdirSync(scratch.at('folder-599/a/b'))).toEqual(['link-0', 'link-1']);
  });

  test('do not show in what a refused call says', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    writeFileSync(scratch.at('file'), '');
    expect(() => anchored.fs.mkdirSync(scratch.at('file'))).toThrow(
      `EEXIST: file already exists, mkdir '${scratch.at('file')}'`,
    );
    expect(() => anchored.fs.renameSync(scratch.at('file'), scratch.at('absent/file'))).toThrow('ENOENT');
    expect(() => anchored.fs.mkdirSync(scratch.at('file/below'))).toThrow('ENOTDIR');
  });
});

describe('at the end of a path', () => {
  test('a link is not followed: neither read, written, nor given another mode', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    writeFileSync(scratch.at('victim'), 'as it was', { mode: 0o640 });
    symlinkSync(scratch.at('victim'), scratch.at('link'));
    const { fs } = anchored;
    for (const flags of ['r', 'wx'] as const) expect(() => fs.openSync(scratch.at('link'), flags)).toThrow();
    expect(() => fs.chmodSync(scratch.at('link'), 0o777)).toThrow();
    fs.utimesSync(scratch.at('link'), 1, 1);
    const { mode, mtimeMs } = fs.lstatSync(scratch.at('victim'));
    expect([mode & 0o7777, mtimeMs > 1000, readFileSync(scratch.at('victim'), 'utf8')]).toEqual([
      0o640,
      true,
      'as it was',
    ]);
  });

  test('a tree is removed with names that are no text, and with links that lead out of it', () => {
    using scratch = scratchFolder();
    using anchored = anchorFs(realInstallFs, AGENT);
    mkdirSync(scratch.at('tree/deep'), { recursive: true });
    writeFileSync(scratch.at('victim'), '');
    symlinkSync(scratch.at('victim'), scratch.at('tree/deep/link'));
    symlinkSync(scratch.path, scratch.at('tree/deep/up'));
    const strange = Buffer.concat([Buffer.from(`${scratch.at('tree')}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(strange);
    writeFileSync(Buffer.concat([strange, Buffer.from('/a')]), '');
    anchored.fs.rmSync(scratch.at('tree'), { recursive: true, force: true });
    anchored.fs.rmSync(scratch.at('tree'), { recursive: true, force: true });
    anchored.fs.rmSync(scratch.at('tree/below'), { recursive: true, force: true });
    expect(readdirSync(scratch.path)).toEqual(['victim']);
  });
});

test.each([
  ['of root in a folder of root', { uid: 0 }, { uid: 0, mode: 0o755 }, { uid: 7 }, true],
  ['of the agent in its own folder', { uid: 5 }, { uid: 5, mode: 0o755 }, { uid: 7 }, true],
  ['of anybody else', { uid: 7 }, { uid: 0, mode: 0o755 }, { uid: 0 }, false],
  ['of root in a folder that its group may write', { uid: 0 }, { uid: 0, mode: 0o775 }, { uid: 0 }, false],
  ['of root in a folder like /tmp', { uid: 0 }, { uid: 0, mode: 0o1777 }, { uid: 0 }, true],
  ['of root in a user’s folder, to that user’s folder', { uid: 0 }, { uid: 7, mode: 0o755 }, { uid: 7 }, true],
  ['of root in a user’s folder, to another’s', { uid: 0 }, { uid: 7, mode: 0o755 }, { uid: 0 }, false],
  ['of root in a user’s folder that others write', { uid: 0 }, { uid: 7, mode: 0o777 }, { uid: 7 }, false],
])('a link %s is trusted or not', (_what, link, folder, target, isTrusted) => {
  expect(isTrustedLink(link, folder, target, 5)).toBe(isTrusted);
});
