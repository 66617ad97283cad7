/** An entry that cannot be unpacked is named, with what helps in its case. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { SlipwayError } from '../../src/errors.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

const NAME = 'site/name.txt';

/** A bundle with one file of `NAME`, changed by `change`. */
async function changedBundle(scratch: ScratchFolder, bundleType: BundleType, change: (bytes: Buffer) => Buffer) {
  mkdirSync(scratch.at('source/site'), { recursive: true });
  writeFileSync(scratch.at('source/appspec.yml'), 'version: 0.0\nos: linux\n');
  writeFileSync(scratch.at('source', NAME), 'content '.repeat(100));
  const bundleFile = scratch.at('bundle');
  await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
  writeFileSync(bundleFile, change(readFileSync(bundleFile)));
  return bundleFile;
}

async function faultOf(scratch: ScratchFolder, bundleFile: string, bundleType: BundleType): Promise<SlipwayError> {
  return unpackBundle({ bundleFile, bundleType, archiveDir: scratch.at('archive'), ...UNPACK_RULES }).then(
    () => expect.fail('it was unpacked'),
    (error: SlipwayError) => error,
  );
}

/** Writes two bytes into both headers of the entry, in the zip format's own places. */
function inHeaders(bytes: Buffer, at: number, value: number): Buffer {
  for (const [mark, headerBytes, place] of [
    [0x04034b50, 30, at],
    [0x02014b50, 46, at + 2],
  ] as const) {
    let name = bytes.indexOf(NAME);
    while (name >= 0) {
      if (name >= headerBytes && bytes.readUInt32LE(name - headerBytes) === mark) {
        bytes.writeUInt16LE(value, name - headerBytes + place);
      }
      name = bytes.indexOf(NAME, name + 1);
    }
  }
  return bytes;
}

const inZip = (at: number, value: number) => (bytes: Buffer) => inHeaders(bytes, at, value);
const FLAGS = 6;
const METHOD = 8;
/** External attributes of a directory's entry: the mode is in their upper half. */
const withMode = (mode: number) => (bytes: Buffer) => {
  const name = bytes.lastIndexOf(NAME);
  bytes.writeUInt16LE(mode, name - 46 + 40);
  return bytes;
};

test.each([
  ['encrypted', inZip(FLAGS, 1), 'is encrypted', 'without a password'],
  ['packed with Deflate64', inZip(METHOD, 9), 'is compressed with Deflate64', 'with deflate'],
  ['packed with bzip2', inZip(METHOD, 12), 'is compressed with bzip2', 'with deflate'],
  ['packed with LZMA', inZip(METHOD, 14), 'is compressed with LZMA', 'with deflate'],
  ['packed with Zstandard', inZip(METHOD, 93), 'is compressed with Zstandard', 'with deflate'],
  ['packed with a method that nobody knows', inZip(METHOD, 77), 'is compressed with method 77', 'with deflate'],
  ['a named pipe', withMode(0o010644), 'no file, folder or link but a named pipe', 'Leave it out'],
  ['a character device', withMode(0o020644), 'no file, folder or link but a character device', 'Leave it out'],
  ['a block device', withMode(0o060644), 'no file, folder or link but a block device', 'Leave it out'],
  ['a socket', withMode(0o140644), 'no file, folder or link but a socket', 'Leave it out'],
])('An entry of a zip archive that is %s is named, and the remedy is for that', async (_, change, what, remedy) => {
  using scratch = scratchFolder();
  const fault = await faultOf(scratch, await changedBundle(scratch, 'zip', change), 'zip');
  expect(fault.message).toBe(`the entry '${NAME}' of the bundle ${fault.message.split(' of the bundle ')[1]}`);
  expect(fault.message).toContain(what);
  expect(fault.remedy).toContain(remedy);
});

const renamed = (name: string) => (bytes: Buffer) =>
  Buffer.from(bytes.toString('latin1').replaceAll(NAME, name.padEnd(NAME.length, 'x')), 'latin1');

test.each([
  ['/etc/name.txt', 'has an absolute name', 'tar -C FOLDER'],
  ['../a/name.txt', "has a name that climbs out with '..'", 'tar -C FOLDER'],
  ['site/na\0e.txt', 'has a name that holds the character NUL', 'Rename the file'],
])(
  'An entry with the name %j is refused in a whole sentence, and the remedy is for that',
  async (name, what, remedy) => {
    using scratch = scratchFolder();
    const fault = await faultOf(scratch, await changedBundle(scratch, 'zip', renamed(name)), 'zip');
    expect(fault.message).toMatch(/^the entry '[^']+' of the bundle has an? /);
    expect(fault.message).toContain(what);
    expect(fault.remedy).toContain(remedy);
  },
);

test('A tgz with other bytes behind its end is refused with that reason', async () => {
  using scratch = scratchFolder();
  const appended = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('a message\n')]);
  const fault = await faultOf(scratch, await changedBundle(scratch, 'tgz', appended), 'tgz');
  expect(fault.code).toBe('ARCHIVE_CORRUPT');
  expect(fault.message).toBe('the bundle goes on behind its end with bytes that are no gzip data');
});
