import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fetchLocalFile } from '../../src/revision/local.ts';
import { scratchFolder } from '../support/scratch.ts';

describe('a bundle on this machine', () => {
  test('is linked to, or copied where it must be this deployment’s own', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tar'), 'content');
    const request = { bundleFile: scratch.at('bundle.tar') };
    for (const isOwnCopy of [false, true]) {
      const fetched = fetchLocalFile({ location: scratch.at('app.tar') }, { ...request, isOwnCopy });
      expect(fetched).toEqual({ eTag: null, sizeBytes: 7 });
      expect(readFileSync(request.bundleFile, 'utf8')).toBe('content');
      expect(lstatSync(request.bundleFile).isSymbolicLink()).toBe(!isOwnCopy);
    }
    expect(readdirSync(scratch.path).sort()).toEqual(['app.tar', 'bundle.tar']);
  });

  test('a bundle on this machine that cannot be read, or whose copy cannot be written, is a fault with its own code', () => {
    using scratch = scratchFolder();
    symlinkSync('circle', scratch.at('circle'));
    writeFileSync(scratch.at('app.tar'), 'content');
    const fetchTo = (location: string, bundleFile: string) => () =>
      fetchLocalFile({ location: scratch.at(location) }, { bundleFile: scratch.at(bundleFile), isOwnCopy: true });
    expect(fetchTo('absent', 'bundle.tar')).toThrow(expect.objectContaining({ code: 'REVISION_NOT_FOUND' }));
    expect(fetchTo('circle', 'bundle.tar')).toThrow(expect.objectContaining({ code: 'REVISION_DENIED' }));
    expect(fetchTo('app.tar', 'no/folder')).toThrow(expect.objectContaining({ code: 'REVISION_CANNOT_WRITE' }));
  });
});
