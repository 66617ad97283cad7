import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

const { limits, rules } = UNPACK_RULES;
const types: BundleType[] = ['tar', 'tgz', 'zip'];

/** A folder with all that a revision may hold: modes, times, links, odd and long names, empty ones. */
function oddFolder(path: string): string {
  mkdirSync(`${path}/empty folder`, { recursive: true });
  mkdirSync(`${path}/scripts`);
  writeFileSync(`${path}/appspec.yml`, 'version: 0.0\nos: linux\n');
  writeFileSync(`${path}/empty`, '');
  writeFileSync(`${path}/scripts/run.sh`, '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(`${path}/.hidden`, 'x');
  writeFileSync(`${path}/ünï çødé 日本.txt`, 'unicode');
  writeFileSync(`${path}/@at -dash "quote" 'single' $dollar`, 'odd');
  writeFileSync(`${path}/new\nline`, 'odd');
  writeFileSync(`${path}/big.bin`, Buffer.alloc(6 * 1024 * 1024, 'slipway'));
  const deep = `${path}/${'a'.repeat(120)}/${'b'.repeat(120)}`;
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}/${'c'.repeat(200)}`, 'deep');
  symlinkSync('scripts/run.sh', `${path}/link`);
  symlinkSync('nowhere', `${path}/dangling`);
  chmodSync(`${path}/.hidden`, 0o600);
  utimesSync(`${path}/empty`, 1_000_000_000, 1_000_000_000);
  return path;
}

describe.each(types)('a %s bundle', (bundleType) => {
  test('unpacks to the folder that was packed', async () => {
    using scratch = scratchFolder();
    const source = oddFolder(scratch.at('source'));
    const bundleFile = scratch.at('bundle');
    const packed = await packBundle({ sourceDir: source, bundleFile, bundleType });
    const unpacked = await unpackBundle({ bundleFile, bundleType, archiveDir: scratch.at('archive'), limits, rules });

    expect(treeOf(scratch.at('archive'))).toEqual(treeOf(source));
    expect(unpacked.bytes).toBeGreaterThanOrEqual(packed.bytes);
    expect(Math.floor(statSync(scratch.at('archive', 'empty')).mtimeMs / 2000)).toBe(500_000_000);
    expect(readdirSync(scratch.path).sort()).toEqual(['archive', 'bundle', 'source']);
  });

  test('a bundle that is cut off anywhere is refused, and nothing is left', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source'));
    for (const name of ['appspec.yml', 'one', 'two']) writeFileSync(scratch.at('source', name), name.repeat(300));
    const whole = scratch.at('bundle');
    await packBundle({ sourceDir: scratch.at('source'), bundleFile: whole, bundleType });
    const bytes = readFileSync(whole);
    const expected = treeOf(scratch.at('source'));
    for (let length = 0; length < bytes.length; length += Math.max(1, Math.floor(bytes.length / 60))) {
      writeFileSync(scratch.at('cut'), bytes.subarray(0, length));
      const archiveDir = scratch.at('archive');
      const ending = await unpackBundle({ bundleFile: scratch.at('cut'), bundleType, archiveDir, limits, rules }).then(
        () => 'unpacked',
        (error: { code: string }) => error.code,
      );
      if (ending === 'unpacked') {
        // Only padding behind the end was missing.
        expect(treeOf(archiveDir), `${length} of ${bytes.length} bytes`).toEqual(expected);
        rmSync(archiveDir, { recursive: true });
      }
      expect(ending, `${length} of ${bytes.length} bytes`).toMatch(/^unpacked$|^ARCHIVE_(TRUNCATED|CORRUPT)$/);
      expect(readdirSync(scratch.path).sort()).toEqual(['bundle', 'cut', 'source']);
    }
    await unpackBundle({ bundleFile: whole, bundleType, archiveDir: scratch.at('archive'), limits, rules });
    expect(treeOf(scratch.at('archive'))).toEqual(expected);
  });

  test('is held to the limits by what it really unpacks to', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source'));
    writeFileSync(scratch.at('source', 'zeros'), Buffer.alloc(10 * 1024 * 1024));
    writeFileSync(scratch.at('source', 'more'), 'x');
    const bundleFile = scratch.at('bundle');
    await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
    const unpack = (changed: Partial<typeof limits>) =>
      unpackBundle({
        bundleFile,
        bundleType,
        archiveDir: scratch.at('archive'),
        limits: { ...limits, ...changed },
        rules,
      });
    await expect(unpack({ maxBytes: 10 * 1024 * 1024 })).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
    await expect(unpack({ maxEntries: 1 })).rejects.toMatchObject({ code: 'ARCHIVE_TOO_MANY_ENTRIES' });
    expect(existsSync(scratch.at('archive'))).toBe(false);
  });

  test('stops when it is told to', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source'));
    for (let n = 0; n < 5; n += 1) writeFileSync(scratch.at('source', `${n}`), Buffer.alloc(8 * 1024 * 1024, `${n}`));
    const bundleFile = scratch.at('bundle');
    await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      unpackBundle({ bundleFile, bundleType, archiveDir: scratch.at('archive'), limits, rules, signal }),
    ).rejects.toThrow('enough');
    expect(readdirSync(scratch.path).sort()).toEqual(['bundle', 'source']);
  });
});

test.each([true, false])(
  'a large entry of a zip (compressed: %s) is left in its middle when told to stop',
  async (compress) => {
    using scratch = scratchFolder();
    const bundleFile = scratch.at('bundle');
    const zip = new ZipFile();
    zip.addReadStreamLazy('large', { compress }, (give) => give(null, Readable.from([Buffer.alloc(64 * 1024 * 1024)])));
    zip.end();
    const bundle = await buffer(zip.outputStream);
    // Whoever reads it to its end finds that its checksum is wrong.
    const checksumAt = bundle.lastIndexOf('PK\x01\x02') + 16;
    bundle.writeUInt32LE(~bundle.readUInt32LE(checksumAt) >>> 0, checksumAt);
    writeFileSync(bundleFile, bundle);
    const stop = new AbortController();
    const archiveDir = scratch.at('archive');
    const unpacked = unpackBundle({ bundleFile, bundleType: 'zip', archiveDir, limits, rules, signal: stop.signal });
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(unpacked).rejects.toThrow('enough');
    expect(readdirSync(scratch.path)).toEqual(['bundle']);
  },
);

test.each(types)('an empty file is no empty %s: it is what an upload that broke off leaves', async (bundleType) => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('bundle'), '');
  const request = { bundleFile: scratch.at('bundle'), bundleType, archiveDir: scratch.at('archive'), limits, rules };
  await expect(unpackBundle(request)).rejects.toMatchObject({
    code: 'ARCHIVE_TRUNCATED',
    message: expect.stringContaining('0 bytes'),
  });
  expect(readdirSync(scratch.path)).toEqual(['bundle']);
});

describe('the folder that wraps everything', () => {
  test.each(types)('is taken away from a %s when it holds the AppSpec file', async (bundleType) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source', 'owner-repo-sha', 'owner-repo-sha'), { recursive: true });
    writeFileSync(scratch.at('source', 'owner-repo-sha', 'AppSpec.yaml'), '');
    const bundleFile = scratch.at('bundle');
    await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
    await unpackBundle({ bundleFile, bundleType, archiveDir: scratch.at('archive'), limits, rules });
    expect(readdirSync(scratch.at('archive')).sort()).toEqual(['AppSpec.yaml', 'owner-repo-sha']);
  });

  test('is taken away though the litter of file managers lies beside it', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source', 'site'), { recursive: true });
    mkdirSync(scratch.at('source', '__MACOSX', 'site'), { recursive: true });
    writeFileSync(scratch.at('source', 'site', 'appspec.yml'), '');
    for (const name of ['.DS_Store', '._site', 'Thumbs.db']) writeFileSync(scratch.at('source', name), '');
    for (const bundleType of types) {
      const [bundleFile, archiveDir] = [scratch.at(bundleType), scratch.at('archive')];
      await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
      await unpackBundle({ bundleFile, bundleType, archiveDir, limits, rules });
      expect(readdirSync(archiveDir)).toEqual(['appspec.yml']);
      rmSync(archiveDir, { recursive: true });
    }
  });

  test('stays when there is anything beside it, or no AppSpec file in it', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source', 'wrapper'), { recursive: true });
    writeFileSync(scratch.at('source', 'wrapper', 'readme'), '');
    const bundleFile = scratch.at('bundle');
    await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType: 'tar' });
    await unpackBundle({ bundleFile, bundleType: 'tar', archiveDir: scratch.at('archive'), limits, rules });
    expect(readdirSync(scratch.at('archive'))).toEqual(['wrapper']);
  });
});
