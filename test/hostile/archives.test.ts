/** Archives that no honest tool makes, made here by code and sorted by attack. Each is refused by name, and nothing of it stays. */
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';

import { gzipSync } from 'node:zlib';
import { execaSync } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { testIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { paxHeader, type TarEntry, tarOf, type ZipEntry, zipOf } from './makers.ts';

const limits = { maxBytes: 10 * 1024 * 1024, maxEntries: 1000 };
const rules = { rejectSymlinks: false, keepOwnership: false };

async function unpack(root: string, bundle: Buffer, bundleType: BundleType): Promise<string> {
  writeFileSync(`${root}/bundle`, bundle);
  return unpackBundle({ bundleFile: `${root}/bundle`, bundleType, archiveDir: `${root}/archive`, limits, rules }).then(
    () => 'unpacked',
    (error: { code?: string }) => error.code ?? `crashed: ${String(error)}`,
  );
}

const TAR_ATTACKS: Readonly<Record<string, readonly [readonly TarEntry[], string]>> = {
  'climbs out': [[{ path: '../escaped', content: 'x' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'climbs out in the middle': [[{ path: 'a/../../escaped', content: 'x' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'is absolute': [[{ path: '/tmp/escaped', content: 'x' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'writes through a link': [
    [
      { path: 'l', type: 'SymbolicLink', linkpath: '/tmp' },
      { path: 'l/escaped', content: 'x' },
    ],
    'ARCHIVE_ENTRY_ESCAPES',
  ],
  'writes through an inner link': [
    [
      { path: 'd', type: 'Directory', mode: 0o755 },
      { path: 'l', type: 'SymbolicLink', linkpath: 'd' },
      { path: 'l/x', content: 'x' },
    ],
    'ARCHIVE_ENTRY_ESCAPES',
  ],
  'hard-links to a file outside': [[{ path: 'h', type: 'Link', linkpath: '../bundle' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'hard-links to an absolute file': [[{ path: 'h', type: 'Link', linkpath: '/etc/passwd' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'hard-links to a folder': [
    [
      { path: 'd', type: 'Directory', mode: 0o755 },
      { path: 'h', type: 'Link', linkpath: 'd' },
    ],
    'ARCHIVE_ENTRY_UNUSABLE',
  ],
  'holds a device': [[{ path: 'null', type: 'CharacterDevice' }], 'ARCHIVE_ENTRY_UNUSABLE'],
  'holds a pipe': [[{ path: 'pipe', type: 'FIFO' }], 'ARCHIVE_ENTRY_UNUSABLE'],
  'has a file below a file': [
    [
      { path: 'a', content: 'x' },
      { path: 'a/b', content: 'x' },
    ],
    'ARCHIVE_ENTRY_CONFLICT',
  ],
  'has a file that was a folder': [
    [
      { path: 'a/b', content: 'x' },
      { path: 'a', content: 'x' },
    ],
    'ARCHIVE_ENTRY_CONFLICT',
  ],
  'claims more than it holds': [[{ path: 'a', content: 'x', size: 1_000_000 }], 'ARCHIVE_TRUNCATED'],
  'has too many entries': [Array.from({ length: 1001 }, (_, n) => ({ path: `f${n}` })), 'ARCHIVE_TOO_MANY_ENTRIES'],
};

describe('a tar archive that', () => {
  test.each(Object.entries(TAR_ATTACKS))('%s is refused, plain and compressed', async (_, [entries, code]) => {
    using scratch = scratchFolder();
    const bundle = tarOf(entries);
    for (const bytes of [bundle, gzipSync(bundle)]) {
      expect(await unpack(scratch.path, bytes, 'tar')).toBe(code);
      expect(readdirSync(scratch.path)).toEqual(['bundle']);
    }
    expect(existsSync('/tmp/escaped')).toBe(false);
  });

  test('brings setuid bits loses them', async () => {
    using scratch = scratchFolder();
    expect(await unpack(scratch.path, tarOf([{ path: 'su', content: 'x', mode: 0o6755 }]), 'tar')).toBe('unpacked');
    expect(treeOf(scratch.at('archive'))).toEqual({ su: 'file 755 "x"' });
  });

  test('is a bomb is stopped at the limit', async () => {
    using scratch = scratchFolder();
    const bomb = gzipSync(tarOf([{ path: 'zeros', content: '\0'.repeat(20 * 1024 * 1024) }]));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await unpack(scratch.path, bomb, 'tgz')).toBe('ARCHIVE_TOO_LARGE');
    expect(readdirSync(scratch.path)).toEqual(['bundle']);
  });

  test('names a file twice keeps the later one', async () => {
    using scratch = scratchFolder();
    expect(
      await unpack(
        scratch.path,
        tarOf([
          { path: 'a', content: '1' },
          { path: './a', content: '2' },
        ]),
        'tar',
      ),
    ).toBe('unpacked');
    expect(treeOf(scratch.at('archive'))).toEqual({ a: 'file 644 "2"' });
  });
});

const ZIP_ATTACKS: Readonly<Record<string, readonly [readonly ZipEntry[], string]>> = {
  'climbs out': [[{ path: '../escaped', content: 'x' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'is absolute': [[{ path: '/tmp/escaped', content: 'x' }], 'ARCHIVE_ENTRY_ESCAPES'],
  'writes through a link': [
    [
      { path: 'l', content: '/tmp', unixMode: 0o120777 },
      { path: 'l/escaped', content: 'x' },
    ],
    'ARCHIVE_ENTRY_ESCAPES',
  ],
  'has another name in its own header': [[{ path: 'good', localPath: 'evil', content: 'x' }], 'ARCHIVE_CORRUPT'],
  'has a wrong checksum': [[{ path: 'a', content: 'x', crc: 1 }], 'ARCHIVE_CORRUPT'],
  'unpacks to more than it claims': [[{ path: 'a', content: 'x'.repeat(100_000), claimedSize: 10 }], 'ARCHIVE_CORRUPT'],
  'holds a device': [[{ path: 'null', unixMode: 0o020666 }], 'ARCHIVE_ENTRY_UNUSABLE'],
  'has a name with NUL': [[{ path: 'a\0b', content: 'x' }], 'ARCHIVE_ENTRY_UNUSABLE'],
  'is a bomb': [[{ path: 'zeros', content: '\0'.repeat(20 * 1024 * 1024) }], 'ARCHIVE_TOO_LARGE'],
};

describe('a zip archive that', () => {
  test.each(Object.entries(ZIP_ATTACKS))('%s is refused', async (_, [entries, code]) => {
    using scratch = scratchFolder();
    expect(await unpack(scratch.path, zipOf(entries), 'zip')).toBe(code);
    expect(readdirSync(scratch.path)).toEqual(['bundle']);
    expect(existsSync('/tmp/escaped')).toBe(false);
  });

  test('is honest is unpacked: the maker above is no reason for a refusal', async () => {
    using scratch = scratchFolder();
    expect(await unpack(scratch.path, zipOf([{ path: 'd/a', content: 'hello', unixMode: 0o100755 }]), 'zip')).toBe(
      'unpacked',
    );
    expect(treeOf(scratch.at('archive'))).toEqual({ d: 'directory 755', 'd/a': 'file 755 "hello"' });
  });
});

describe('an owner, a time or a disk that cannot be had', () => {
  test.each(['uid', 'mtime'])('is an error about the entry: %s', async (field) => {
    using scratch = scratchFolder();
    const uid = field === 'uid' ? '9'.repeat(15) : '1';
    const mtime = field === 'mtime' ? '9'.repeat(14) : '1';
    const bundle = tarOf([{ path: 'd', type: 'Directory', mode: 0o755 }, { path: 'a' }]);
    const records = paxHeader([`uid=${uid}`, `mtime=${mtime}`], 'g');
    writeFileSync(scratch.at('bundle'), Buffer.concat([records, bundle]));
    const request = { bundleFile: scratch.at('bundle'), bundleType: 'tar', archiveDir: scratch.at('archive') } as const;
    const outcome = await unpackBundle({ ...request, limits, rules: { ...rules, keepOwnership: true } }).catch(
      (error: unknown) => error,
    );
    // Some systems take any time; none takes such an owner.
    if (field === 'uid') expect(outcome).toMatchObject({ code: 'ARCHIVE_CANNOT_WRITE' });
    else if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ARCHIVE_CANNOT_WRITE' });
    expect(existsSync(scratch.at('archive-temp'))).toBe(false);
  });

  test('leaves nothing behind when the disk takes no more from the start', async (context) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('disk'));
    const { failed } = execaSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=2', 'tmpfs', scratch.at('disk')], {
      reject: false,
    });
    if (failed) return context.skip('needs root, and the right to mount');
    try {
      writeFileSync(scratch.at('bundle'), tarOf([{ path: 'a', content: 'x' }]));
      const archiveDir = scratch.at('disk/archive');
      const outcome = unpackBundle({ bundleFile: scratch.at('bundle'), bundleType: 'tar', archiveDir, limits, rules });
      await expect(outcome).rejects.toMatchObject({ code: 'ARCHIVE_DISK_FULL' });
      expect(readdirSync(scratch.at('disk'))).toEqual([]);
    } finally {
      execaSync('umount', [scratch.at('disk')]);
    }
  });

  test('is an error with a code when there is no folder to unpack into', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('bundle'), tarOf([{ path: 'a', content: 'x' }]));
    const archiveDir = scratch.at('nowhere/archive');
    const outcome = unpackBundle({ bundleFile: scratch.at('bundle'), bundleType: 'tar', archiveDir, limits, rules });
    await expect(outcome).rejects.toMatchObject({ code: 'ARCHIVE_CANNOT_WRITE' });
  });
});

test('any bytes, and any damage to a good archive, end in an error of this room or in an archive below its folder', async () => {
  const good: Record<BundleType, Buffer> = {
    tar: tarOf([
      { path: 'a', content: 'hello' },
      { path: 'd/l', type: 'SymbolicLink', linkpath: '../a' },
    ]),
    tgz: gzipSync(tarOf([{ path: 'a', content: 'hello' }])),
    zip: zipOf([
      { path: 'a', content: 'hello' },
      { path: 'd/b', content: 'world' },
    ]),
  };
  const damage = fc.record({
    type: fc.constantFrom<BundleType>('tar', 'tgz', 'zip'),
    flips: fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
    noise: fc.option(fc.uint8Array({ maxLength: 600 }), { freq: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ type, flips, noise }) => {
      using scratch = scratchFolder();
      const bytes = noise === null ? Buffer.from(good[type]) : Buffer.from(noise);
      for (const [at, mask] of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ mask;
      expect(await unpack(scratch.path, bytes, type)).toMatch(/^(unpacked|ARCHIVE_\w+)$/);
      expect(readdirSync(scratch.path).filter((name) => name !== 'archive')).toEqual(['bundle']);
    }),
    { numRuns: 300 },
  );
});

describe('a bundle that is honest', () => {
  const links = [
    { path: 'a', content: 'x' },
    { path: 'l', type: 'SymbolicLink', linkpath: 'a' },
  ] as const;

  const pointing: Readonly<Record<string, readonly { readonly path: string; readonly linkpath: string }[]>> = {
    'to an absolute path': [{ path: 'bin/python3', linkpath: '/usr/bin/python3' }],
    out: [{ path: 'd/l', linkpath: '../../outside' }],
    'out through another link': [
      { path: 'd/up', linkpath: '..' },
      { path: 'out', linkpath: 'd/up/../outside' },
    ],
    'to nothing': [{ path: 'l', linkpath: 'nowhere/at/all' }],
    'in a circle': [
      { path: 'a', linkpath: 'b' },
      { path: 'b', linkpath: 'a' },
    ],
  };

  test.each(Object.entries(pointing))('may have links that point %s, and gets them as they are', async (how, all) => {
    using scratch = scratchFolder();
    const tar = tarOf(all.map((link) => ({ ...link, type: 'SymbolicLink' as const })));
    const zip = zipOf(all.map(({ path, linkpath }) => ({ path, content: linkpath, unixMode: 0o120777 })));
    for (const [bundleType, bytes] of [
      ['tar', tar],
      ['tgz', gzipSync(tar)],
      ['zip', zip],
    ] as const) {
      rmSync(scratch.at('archive'), { recursive: true, force: true });
      expect(await unpack(scratch.path, bytes, bundleType)).toBe('unpacked');
      for (const { path, linkpath } of all) expect(readlinkSync(scratch.at('archive', path))).toBe(linkpath);
      rmSync(scratch.at('archive'), { recursive: true });
      const isOut = how !== 'to nothing' && how !== 'in a circle';
      const strict = { ...rules, rejectSymlinks: 'escaping' as const };
      const request = { bundleFile: scratch.at('bundle'), bundleType, archiveDir: scratch.at('archive'), limits };
      const end = await unpackBundle({ ...request, rules: strict }).then(
        () => 'unpacked',
        (error: { code?: string }) => error.code,
      );
      expect(end).toBe(isOut ? 'ARCHIVE_LINK_ESCAPES' : 'unpacked');
    }
  });

  test('may have a link under two names, as tar writes it, and gets it twice', async () => {
    using scratch = scratchFolder();
    const entries = [
      { path: 'l', type: 'SymbolicLink', linkpath: '/usr/bin/env' },
      { path: 'h', type: 'Link', linkpath: 'l' },
    ] as const;
    expect(await unpack(scratch.path, tarOf(entries), 'tar')).toBe('unpacked');
    expect(treeOf(scratch.at('archive'))).toEqual({ h: '-> /usr/bin/env', l: '-> /usr/bin/env' });
  });

  test('may have links, unless reject_symlinks_in_bundle is on', async () => {
    using scratch = scratchFolder();
    const bundles = [
      ['tar', tarOf(links)],
      [
        'tar',
        tarOf([
          { path: 'a', content: 'x' },
          { path: 'h', type: 'Link', linkpath: 'a' },
        ]),
      ],
      [
        'zip',
        zipOf([
          { path: 'a', content: 'x' },
          { path: 'l', content: 'a', unixMode: 0o120777 },
        ]),
      ],
    ] as const;
    for (const [index, [bundleType, bytes]] of bundles.entries()) {
      const bundleFile = scratch.at(`bundle-${index}`);
      writeFileSync(bundleFile, bytes);
      const request = { bundleFile, bundleType, archiveDir: scratch.at(`archive-${index}`), limits };
      const strict = { ...rules, rejectSymlinks: true };
      await expect(unpackBundle({ ...request, rules: strict })).rejects.toMatchObject({
        code: expect.stringMatching(/^ARCHIVE_/),
        message: expect.stringContaining('link'),
      });
      expect(existsSync(request.archiveDir)).toBe(false);
      await unpackBundle({ ...request, rules });
    }
  });

  testIf(process.getuid?.() === 0, 'root')(
    'belongs to the agent, unless ignore_ownership_in_bundle is off',
    async () => {
      using scratch = scratchFolder();
      const bundleFile = scratch.at('bundle');
      writeFileSync(bundleFile, tarOf([{ path: 'a', content: 'x', uid: 1, gid: 2 }]));
      const owners = async (name: string, keepOwnership: boolean) => {
        const archiveDir = scratch.at(name);
        await unpackBundle({ bundleFile, bundleType: 'tar', archiveDir, limits, rules: { ...rules, keepOwnership } });
        const { uid, gid } = statSync(`${archiveDir}/a`);
        return [uid, gid];
      };
      expect(await owners('agent', false)).toEqual([0, 0]);
      expect(await owners('archive', true)).toEqual([1, 2]);
    },
  );
});
