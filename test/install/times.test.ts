import { lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { realInstallFs } from '../../src/install/install-fs.ts';
import { inSeconds, restoreTimes, timesOf } from '../../src/install/times.ts';
import { scratchFolder } from '../support/scratch.ts';

const mtimeOf = (path: string) => lstatSync(path, { bigint: true }).mtimeNs;

describe('times', () => {
  test('come back to the nanosecond, of files and folders, whatever their names', () => {
    using scratch = scratchFolder();
    const paths = ['folder', 'a file', 'new\nline', "it's"].map((name) => scratch.at(name));
    for (const [index, path] of paths.entries()) {
      if (index === 0) mkdirSync(path);
      else writeFileSync(path, 'x');
    }
    const before = paths.map(mtimeOf);
    const noted = timesOf(realInstallFs, [...paths, scratch.at('absent')]);
    for (const path of paths) utimesSync(path, 1, 1);
    restoreTimes(realInstallFs, [...noted, { path: scratch.at('gone'), atimeNs: '1', mtimeNs: '1' }]);
    expect(paths.map(mtimeOf)).toEqual(before);
  });

  test('times of a folder behind a link are those of the folder, and a link that was planted later is not followed', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('real'));
    symlinkSync(scratch.at('real'), scratch.at('link'));
    const before = mtimeOf(scratch.at('real'));
    const noted = timesOf(realInstallFs, [`${scratch.at('link')}/.`]);
    writeFileSync(scratch.at('real', 'new'), '');
    restoreTimes(realInstallFs, noted);
    expect(mtimeOf(scratch.at('real'))).toBe(before);

    writeFileSync(scratch.at('victim'), '');
    const victim = mtimeOf(scratch.at('victim'));
    symlinkSync(scratch.at('victim'), scratch.at('planted'));
    restoreTimes(realInstallFs, [{ path: scratch.at('planted'), atimeNs: '1', mtimeNs: '1' }]);
    expect(mtimeOf(scratch.at('victim'))).toBe(victim);
  });

  test('keep their microsecond through the double that Node wants', () => {
    using scratch = scratchFolder();
    const path = scratch.at('file');
    writeFileSync(path, '');
    fc.assert(
      fc.property(fc.bigInt(1_100_000_000_000_000_000n, 2_100_000_000_000_000_000n), (ns) => {
        utimesSync(path, 1, inSeconds(ns));
        expect(mtimeOf(path) / 1000n).toBe(ns / 1000n);
      }),
    );
  });
});
