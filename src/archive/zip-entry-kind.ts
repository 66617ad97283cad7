/** Tells the kind of an entry of a zip archive, and whether its content can be read. Pure. */
import { archiveError } from './problems.ts';
import type { ZipEntry } from './zip-directory.ts';

const STORED = 0;
export const DEFLATED = 8;
const ENCRYPTED = 0x1;

const FILE_TYPE = 0o170000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_REGULAR = 0o100000;
const TYPE_SYMLINK = 0o120000;

/** Kinds of files that have no content, by their type on Unix. */
const SPECIAL_KINDS: ReadonlyMap<number, string> = new Map([
  [0o010000, 'a named pipe'],
  [0o020000, 'a character device'],
  [0o060000, 'a block device'],
  [0o140000, 'a socket'],
]);

export function kindOf(entry: ZipEntry): 'file' | 'directory' | 'symlink' | 'other' {
  const type = (entry.unixMode ?? 0) & FILE_TYPE;
  if (type === TYPE_DIRECTORY || entry.name.endsWith('/') || entry.isDosDirectory) return 'directory';
  if (type === TYPE_SYMLINK) return 'symlink';
  return type === 0 || type === TYPE_REGULAR ? 'file' : 'other';
}

/** Names the special kind of an entry whose kind is `other`. */
export function specialKindOf({ unixMode = 0 }: ZipEntry): string {
  const type = unixMode & FILE_TYPE;
  return SPECIAL_KINDS.get(type) ?? `of the unknown type ${type.toString(8)}`;
}

/** Methods of compression by their numbers in the format's own list (APPNOTE 4.4.5). */
const OTHER_METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
  98: 'PPMd',
};

/** @throws SlipwayError ARCHIVE_ENTRY_UNUSABLE for an entry that is encrypted, or packed with anything but deflate */
export function requireReadable({ name, flags, compressionMethod: method }: ZipEntry): void {
  if ((flags & ENCRYPTED) !== 0) {
    const remedy = 'Pack the bundle without a password: no host knows it.';
    throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, 'is encrypted', { remedy });
  }
  if (method === STORED || method === DEFLATED) return;
  const remedy = 'Pack the bundle with deflate, as zip -r does (7z a -tzip -mm=Deflate), or as tgz.';
  const called = OTHER_METHODS[method] ?? `method ${method}`;
  throw archiveError('ARCHIVE_ENTRY_UNUSABLE', name, `is compressed with ${called}; only deflate is read`, { remedy });
}
