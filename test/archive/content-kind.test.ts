/** An upload that is no bundle is named for what it is; only a file that is cut off is called so. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { contentKind } from '../../src/archive/content-kind.ts';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { SlipwayError } from '../../src/errors.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

async function faultOf(scratch: ScratchFolder, bytes: Uint8Array, bundleType: BundleType): Promise<SlipwayError> {
  writeFileSync(scratch.at('bundle'), bytes);
  const request = { bundleFile: scratch.at('bundle'), bundleType, archiveDir: scratch.at('archive'), ...UNPACK_RULES };
  const fault = await unpackBundle(request).then(
    () => expect.fail('it was unpacked'),
    (error: SlipwayError) => error,
  );
  expect(existsSync(scratch.at('archive'))).toBe(false);
  return fault;
}

const XZ = Buffer.from('fd377a585a000004e6d6b4460200210116000000742fe5a3', 'hex');
const PAGE = Buffer.from('<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>\n');
const STORE = Buffer.from('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>');

const PACK = 'Pack the folder as tar, tgz (gzip, once) or zip';
const FETCH = 'Correct the address or the credentials';

const STRANGERS: readonly (readonly [string, Buffer, string, string])[] = [
  ['an xz file', XZ, 'an xz file', PACK],
  ['a bzip2 file', Buffer.from('BZh91AY&SY\x01\x02', 'latin1'), 'a bzip2 file', PACK],
  ['a Zstandard file', Buffer.from('28b52ffd2004', 'hex'), 'a Zstandard file', PACK],
  ['an error page', PAGE, "a web page: '502 Bad Gateway'", FETCH],
  [
    'a long error page',
    Buffer.concat([PAGE, Buffer.alloc(5000, '<p>sorry</p>')]),
    "a web page: '502 Bad Gateway'",
    FETCH,
  ],
  ['an error of a store', STORE, 'an error of a store (AccessDenied)', FETCH],
  ['JSON', Buffer.from('{"message": "Not Found"}'), 'JSON: \'{"message": "Not Found"}\'', FETCH],
  [
    'a pointer of Git LFS',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    'Git LFS',
    'git lfs pull',
  ],
  ['a few words', Buffer.from('not found\n'), "text: 'not found'", PACK],
  ['a RAR archive', Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'), 'a RAR archive', PACK],
  ['a package of Debian', Buffer.from('!<arch>\ndebian-binary   '), 'a package of Debian', PACK],
];

describe.each(['tar', 'tgz', 'zip'] as const)('called a %s', (bundleType) => {
  test.each(STRANGERS)(
    '%s is named with a remedy of its own, and not called cut off',
    async (_, bytes, kind, remedy) => {
      using scratch = scratchFolder();
      const fault = await faultOf(scratch, bytes, bundleType);
      expect(fault.code).toBe('ARCHIVE_CORRUPT');
      expect(fault.message).toContain(kind);
      expect(fault.message).not.toMatch(/truncated|cut off|ends in the middle/);
      expect(fault.remedy).toContain(remedy);
    },
  );

  test('an empty file is called empty, and what made it is to be looked at', async () => {
    using scratch = scratchFolder();
    const fault = await faultOf(scratch, Buffer.alloc(0), bundleType);
    expect(fault.message).toBe('the bundle is empty: 0 bytes');
    expect(fault.remedy).toContain('What made the bundle wrote nothing into it');
  });

  test('a bundle of another type is named with the type that it has', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source'));
    writeFileSync(scratch.at('source/appspec.yml'), '');
    const other = bundleType === 'zip' ? 'tgz' : 'zip';
    await packBundle({ sourceDir: scratch.at('source'), bundleFile: scratch.at('other'), bundleType: other });
    const { readFileSync } = await import('node:fs');
    const fault = await faultOf(scratch, readFileSync(scratch.at('other')), bundleType);
    expect(fault.code).toBe('ARCHIVE_CORRUPT');
    expect(fault.remedy).toContain(`its bundle type is ${other}`);
  });
});

describe('in a gzip file,', () => {
  test.each([
    ['another gzip file', gzipSync(Buffer.alloc(3000, 'tar')), 'compressed twice: a gzip file in a gzip file'],
    ['a short one', gzipSync('x'), 'compressed twice'],
    ['an error page', PAGE, "no tar archive, but a web page: '502 Bad Gateway' in a gzip file"],
    ['an xz file', XZ, 'an xz file in a gzip file'],
    ['a zip archive', Buffer.from('PK\x03\x04', 'latin1'), 'a zip archive in a gzip file'],
    ['a file of text', Buffer.from('hello\n'.repeat(500)), "text: 'hello hello"],
  ])('%s is named', async (_, bytes, kind) => {
    using scratch = scratchFolder();
    const fault = await faultOf(scratch, gzipSync(bytes), 'tgz');
    expect(fault.code).toBe('ARCHIVE_CORRUPT');
    expect(fault.message).toContain(kind);
  });
});

test('content that nobody can tell gets no name: noise, zeros, and compressed data without a mark', () => {
  for (const bytes of [Buffer.from([1, 2, 3, 0xff]), deflateRawSync('x'.repeat(99))]) {
    expect(contentKind(bytes)).toBeNull();
  }
});

test('text that is cut in the middle of a character is text, and shows no control characters', () => {
  expect(contentKind(Buffer.from('größe\x1b[31m ').subarray(0, 4))).toMatchObject({ is: "text: 'grö'" });
  expect(contentKind(Buffer.from('a\x1b[31m red'))).toMatchObject({ is: "text: 'a [31m red'" });
});
