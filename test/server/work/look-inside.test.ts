/** Looks into bundles that real packers made, and into some that nobody honest makes. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packBundle } from '../../../src/archive/pack.ts';
import {
  createLookInside,
  type InsideOfRevision,
  LOOK_LIMITS,
} from '../../../src/server/work/look-inside/look-inside.ts';
import type { LookLimits } from '../../../src/server/work/look-inside/messages.ts';
import { scratchFolder } from '../../support/scratch.ts';

const APPSPEC = 'version: 0.0\nos: linux\n';
const scratch = scratchFolder();
const bundles: Record<string, Buffer> = {};

beforeAll(async () => {
  const source = scratch.at('source');
  mkdirSync(`${source}/bin`, { recursive: true });
  writeFileSync(`${source}/appspec.yml`, APPSPEC, { mode: 0o640 });
  writeFileSync(`${source}/bin/run`, '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(`${source}/<img src=x>`, 'odd');
  symlinkSync('../elsewhere', `${source}/bin/link`);
  for (const bundleType of ['zip', 'tgz'] as const) {
    const bundleFile = scratch.at(`bundle.${bundleType}`);
    await packBundle({ sourceDir: source, bundleFile, bundleType });
    bundles[bundleType] = readFileSync(bundleFile);
  }
});
afterAll(() => scratch[Symbol.dispose]());

async function lookInto(
  bytes: Buffer,
  bundleType: string,
  limits: Partial<LookLimits> = {},
): Promise<InsideOfRevision> {
  const read = async (from: number, to: number) => Uint8Array.from(bytes.subarray(from, to));
  const open = async () => ({ sizeBytes: bytes.length, eTag: 'e', read });
  const look = createLookInside(() => open, { ...LOOK_LIMITS, ...limits });
  return look({ revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: bundleType as 'zip' } });
}

describe.each(['zip', 'tgz'])('a bundle of the type %s', (bundleType) => {
  test('shows its files with sizes, modes, sums and targets of links, and its AppSpec text', async () => {
    const inside = await lookInto(bundles[bundleType] ?? Buffer.alloc(0), bundleType);
    expect(inside).toMatchObject({
      stoppedBecause: null,
      appSpec: { path: 'appspec.yml', text: APPSPEC, isComplete: true },
      files: expect.arrayContaining([
        {
          path: 'appspec.yml',
          kind: 'file',
          sizeBytes: APPSPEC.length,
          mode: '0640',
          crc32: expect.stringMatching(/^[0-9a-f]{8}$/),
        },
        expect.objectContaining({ path: 'bin/run', kind: 'file', mode: '0755' }),
        expect.objectContaining({ path: 'bin/link', kind: 'symlink', linkTarget: '../elsewhere' }),
        expect.objectContaining({ path: '<img src=x>', sizeBytes: 3 }),
      ]),
    });
  });

  test('shows its first entries where it has more than are listed', async () => {
    const inside = await lookInto(bundles[bundleType] ?? Buffer.alloc(0), bundleType, { maxEntries: 2 });
    expect(inside).toMatchObject({ files: { length: 2 }, stoppedBecause: 'it has more than 2 entries' });
  });
});

test('an archive that claims more entries than it has, and one that is cut off, are answered in words', async () => {
  const zip = Buffer.from(bundles['zip'] ?? Buffer.alloc(0));
  zip.writeUInt16LE(0xfffe, zip.length - 22 + 10);
  expect(await lookInto(zip, 'zip')).toMatchObject({
    files: [],
    stoppedBecause: expect.stringContaining('cannot be read'),
  });
  const tgz = bundles['tgz'] ?? Buffer.alloc(0);
  expect(await lookInto(tgz.subarray(0, tgz.length / 2), 'tgz')).toMatchObject({
    stoppedBecause: expect.stringContaining('cannot be read further'),
  });
});

test.each([
  [
    'of a git repository',
    { revisionType: 'GitHub', gitHubLocation: { repository: 'a/b', commitId: 'c' } },
    'git repositories',
  ],
  ['on a web server', { revisionType: 'S3', s3Location: { bucket: 'https://x', key: 'k' } }, 'web servers'],
  ['in a bucket that it reads not', { revisionType: 'S3', s3Location: { bucket: 'other', key: 'k' } }, '--aws-region'],
] as const)('the server says why it does not look into a revision %s', async (_, location, words) => {
  const inside = await createLookInside(() => null)(location);
  expect('cannot' in inside ? inside.cannot : '').toContain(words);
});
