/**
 * Other people's libraries read what is packed here, and what they write is read here. Names, kinds, sizes, modes, targets of links and
 * content are compared entry by entry.
 */
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { create, list } from 'tar';
import { Open } from 'unzipper';
import { describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

/** Name → what somebody says that it is. */
type Entries = Record<string, string>;

/** Everything that a bundle may hold: links of every kind, odd modes, names and sizes. */
function makeSource(scratch: ScratchFolder, bundleType: BundleType): string {
  const source = scratch.at('source');
  mkdirSync(`${source}/venv/bin`, { recursive: true });
  mkdirSync(`${source}/empty`, { mode: 0o750 });
  mkdirSync(`${source}/node_modules/.bin`, { recursive: true });
  writeFileSync(`${source}/appspec.yml`, 'version: 0.0\nos: linux\n');
  writeFileSync(`${source}/.hidden`, 'h', { mode: 0o600 });
  writeFileSync(`${source}/nothing`, '');
  writeFileSync(`${source}/run.sh`, '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(`${source}/ünï 日本 "q" 'x' $x`, 'odd');
  // What is made on Windows must not have to guess; a zip holds no such name of ours (see below).
  if (bundleType !== 'zip') writeFileSync(`${source}/systemd-disk\\x2dlabel.mount`, 'odd');
  writeFileSync(`${source}/${'n'.repeat(200)}`, 'long');
  writeFileSync(`${source}/large.bin`, Buffer.alloc(3_000_001, 'slipway'));
  writeFileSync(`${source}/noise.bin`, Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * n * 31) & 0xff)));
  symlinkSync('/usr/bin/python3', `${source}/venv/bin/python3`);
  symlinkSync('python3', `${source}/venv/bin/python`);
  symlinkSync('lib', `${source}/venv/lib64`);
  symlinkSync('../../../../../outside', `${source}/node_modules/.bin/out`);
  symlinkSync('/absolute/and/gone', `${source}/node_modules/.bin/gone`);
  symlinkSync('itself', `${source}/itself`);
  chmodSync(`${source}/appspec.yml`, 0o640);
  return source;
}

const file = (mode: number, content: Buffer) =>
  `file ${(mode & 0o7777).toString(8)} ${content.length} ${digest(content)}`;
const digest = (content: Buffer) => content.toString('base64').slice(0, 24) + content.toString('base64').slice(-24);

function onDisk(root: string, below = ''): Entries {
  const entries: Entries = {};
  for (const base of readdirSync(`${root}/${below}`)) {
    const name = below === '' ? base : `${below}/${base}`;
    const stats = lstatSync(`${root}/${name}`);
    if (stats.isSymbolicLink()) entries[name] = `link ${readlinkSync(`${root}/${name}`)}`;
    else if (stats.isFile()) entries[name] = file(stats.mode, readFileSync(`${root}/${name}`));
    else Object.assign(entries, { [name]: `folder ${(stats.mode & 0o7777).toString(8)}` }, onDisk(root, name));
  }
  return entries;
}

const bare = (name: string) => name.replace(/^\.\//, '').replace(/\/$/, '');

/** List of an archive by `tar`. */
async function listed(bundle: string): Promise<Entries> {
  const entries: Entries = {};
  const reading: Promise<void>[] = [];
  await list({
    file: bundle,
    strict: true,
    onReadEntry(entry) {
      const name = bare(entry.path);
      const mode = (entry.mode ?? 0) & 0o7777;
      if (name === '') return;
      if (entry.type === 'SymbolicLink') entries[name] = `link ${entry.linkpath}`;
      else if (entry.type === 'Directory') entries[name] = `folder ${mode.toString(8)}`;
      else if (entry.type === 'File' || entry.type === 'OldFile') {
        reading.push(
          entry.concat().then((content) => {
            entries[name] = file(mode, content as unknown as Buffer);
          }),
        );
      } else entries[name] = entry.type;
    },
  });
  await Promise.all(reading);
  return entries;
}

/** List of an archive by `unzipper`. */
async function unzipped(bundle: string): Promise<Entries> {
  const { files } = await Open.file(bundle);
  const entries: Entries = {};
  for (const one of files) {
    const mode = one.externalFileAttributes >>> 16;
    const name = bare(one.path);
    if (one.type === 'Directory') entries[name] = `folder ${(mode & 0o7777).toString(8)}`;
    else {
      const content = await one.buffer();
      expect(content.length, name).toBe(one.uncompressedSize);
      entries[name] = (mode & 0o170000) === 0o120000 ? `link ${content.toString()}` : file(mode, content);
    }
  }
  return entries;
}

describe('what is packed here', () => {
  test.each(['tar', 'tgz'] as const)('as %s is what tar’s own list reads', async (bundleType) => {
    using scratch = scratchFolder();
    const sourceDir = makeSource(scratch, bundleType);
    await packBundle({ sourceDir, bundleFile: scratch.at('bundle'), bundleType });
    expect(await listed(scratch.at('bundle'))).toEqual(onDisk(sourceDir));
  });

  test('as zip is what unzipper reads', async () => {
    using scratch = scratchFolder();
    const sourceDir = makeSource(scratch, 'zip');
    await packBundle({ sourceDir, bundleFile: scratch.at('bundle'), bundleType: 'zip' });
    expect(await unzipped(scratch.at('bundle'))).toEqual(onDisk(sourceDir));
  });
});

test.each(['a\\b', 'd/x\\..\\y', 'c:name'])(
  'a name that would be another one in a zip is refused there, and no other way: %s',
  async (name) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source/d'), { recursive: true });
    writeFileSync(`${scratch.at('source')}/${name}`, 'x');
    const request = { sourceDir: scratch.at('source'), bundleFile: scratch.at('bundle') };
    await expect(packBundle({ ...request, bundleType: 'zip' })).rejects.toMatchObject({
      code: 'ARCHIVE_ENTRY_UNUSABLE',
      remedy: expect.stringContaining('tgz'),
    });
    await packBundle({ ...request, bundleType: 'tgz' });
    expect(await listed(scratch.at('bundle'))).toEqual(onDisk(scratch.at('source')));
  },
);

describe('what they write is unpacked here as they read it:', () => {
  test.each([
    ['tar', { gzip: false, portable: false }],
    ['tgz', { gzip: true, portable: false }],
    ['tar', { gzip: false, portable: true }],
  ] as const)('a %s of tar, %o', async (bundleType, options) => {
    using scratch = scratchFolder();
    const sourceDir = makeSource(scratch, bundleType);
    await create({ cwd: sourceDir, file: scratch.at('bundle'), ...options }, ['.']);
    const archiveDir = scratch.at('archive');
    await unpackBundle({ bundleFile: scratch.at('bundle'), bundleType, archiveDir, ...UNPACK_RULES });
    expect(onDisk(archiveDir)).toEqual(await listed(scratch.at('bundle')));
  });

  test.each([true, false])('a zip of yazl, compressed: %s', async (compress) => {
    using scratch = scratchFolder();
    const sourceDir = makeSource(scratch, 'zip');
    const zip = new ZipFile();
    for (const [name, what] of Object.entries(onDisk(sourceDir))) {
      const { mode, mtime } = lstatSync(`${sourceDir}/${name}`);
      if (what.startsWith('folder')) zip.addEmptyDirectory(name, { mode, mtime });
      else if (what.startsWith('link'))
        zip.addBuffer(Buffer.from(readlinkSync(`${sourceDir}/${name}`)), name, { mode });
      else zip.addReadStream(createReadStream(`${sourceDir}/${name}`), name, { mode, mtime, compress });
    }
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(scratch.at('bundle')));
    const archiveDir = scratch.at('archive');
    await unpackBundle({ bundleFile: scratch.at('bundle'), bundleType: 'zip', archiveDir, ...UNPACK_RULES });
    expect(onDisk(archiveDir)).toEqual(await unzipped(scratch.at('bundle')));
    expect((await buffer(createReadStream(`${archiveDir}/large.bin`))).length).toBe(3_000_001);
  });
});
