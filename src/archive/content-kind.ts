/** Describes a file that is no bundle, for messages: people upload error pages and the work of other packers. Pure. */

export interface ContentKind {
  /** Name of the kind, such as `an xz file`. */
  readonly is: string;
  /** Remedy for a bundle that is such a file. */
  readonly remedy: string;
}

interface Mark {
  readonly at?: number;
  /** Bytes as characters. */
  readonly bytes: string;
  readonly is: string;
  /** Remedy; absent: the folder is to be packed otherwise. */
  readonly remedy?: string;
}

const PACK_ANEW = 'Pack the folder as tar, tgz (gzip, once) or zip, and upload that.';
const FETCH_ANEW =
  'Something answered with an error where the bundle was fetched, and the answer was kept. Correct the address or the credentials there, and upload the bundle itself.';
/** For a bundle of 0 bytes. */
export const BUILD_ANEW =
  'What made the bundle wrote nothing into it: look at that program’s own messages, build and upload it again.';

const MARKS: readonly Mark[] = [
  { bytes: '\xfd7zXZ\0', is: 'an xz file' },
  { bytes: 'BZh', is: 'a bzip2 file' },
  { bytes: '\x28\xb5\x2f\xfd', is: 'a Zstandard file' },
  { bytes: '\x04\x22\x4d\x18', is: 'an LZ4 file' },
  { bytes: 'LZIP', is: 'an lzip file' },
  { bytes: '\x5d\0\0', is: 'an LZMA file' },
  { bytes: '\x1f\x9d', is: 'a file of compress (.Z)' },
  { bytes: '7z\xbc\xaf\x27\x1c', is: 'a 7-Zip archive' },
  { bytes: 'Rar!\x1a\x07', is: 'a RAR archive' },
  { bytes: '\x1f\x8b', is: 'a gzip file' },
  { bytes: 'PK\x03\x04', is: 'a zip archive' },
  { bytes: 'PK\x05\x06', is: 'a zip archive' },
  { at: 257, bytes: 'ustar', is: 'a tar archive' },
  { bytes: '!<arch>\n', is: 'an ar archive, such as a package of Debian' },
  { bytes: '\xed\xab\xee\xdb', is: 'an RPM package' },
  { bytes: '070701', is: 'a cpio archive' },
  { bytes: '070707', is: 'a cpio archive' },
  { bytes: 'hsqs', is: 'a SquashFS image' },
  { bytes: '\x7fELF', is: 'a program (ELF)' },
  { bytes: '%PDF-', is: 'a PDF document' },
  { bytes: '\x89PNG', is: 'a PNG image' },
  { bytes: '-----BEGIN ', is: 'a PEM text, such as a key or a signature' },
  {
    bytes: 'version https://git-lfs',
    is: 'a pointer of Git LFS, and not the file that it stands for',
    remedy: 'Run git lfs pull where the bundle comes from, and upload the file that it brings.',
  },
];

const SHOWN_CHARACTERS = 60;

/**
 * @param beginning the first bytes of a file, 262 or more where there are so many
 * @returns null: nobody can tell
 */
export function contentKind(beginning: Uint8Array): ContentKind | null {
  if (beginning.length === 0) return { is: 'an empty file', remedy: BUILD_ANEW };
  const characters = Buffer.from(beginning.buffer, beginning.byteOffset, beginning.length).toString('latin1');
  const mark = MARKS.find(({ at = 0, bytes }) => characters.startsWith(bytes, at));
  if (mark !== undefined) return { is: mark.is, remedy: mark.remedy ?? PACK_ANEW };
  const text = textOf(beginning);
  return text === null ? null : kindOfText(text.replace(/^\uFEFF/, '').trimStart());
}

function kindOfText(start: string): ContentKind {
  if (/^<(!doctype html|html|head|body)\b/i.test(start)) {
    return { is: `a web page: ${shown(/<title>([^<]*)/i.exec(start)?.[1] ?? start)}`, remedy: FETCH_ANEW };
  }
  const fault = /<Error>\s*<Code>(\w+)<\/Code>/.exec(start)?.[1];
  if (fault !== undefined) {
    return { is: `an error of a store (${fault}), and not what it was asked for`, remedy: FETCH_ANEW };
  }
  if (/^<\?xml|^<\w/.test(start)) return { is: `XML: ${shown(start)}`, remedy: FETCH_ANEW };
  if (/^[{[]/.test(start)) return { is: `JSON: ${shown(start)}`, remedy: FETCH_ANEW };
  if (/^HTTP\/\d/.test(start)) {
    return { is: `an answer of a web server with its headers: ${shown(start)}`, remedy: FETCH_ANEW };
  }
  return { is: `text: ${shown(start)}`, remedy: PACK_ANEW };
}

/** The beginning as text; null: it holds what no text holds. A character that is cut off at its end is none of that. */
function textOf(beginning: Uint8Array): string | null {
  if (beginning.length === 0) return null;
  const text = new TextDecoder('utf-8').decode(beginning, { stream: true });
  return /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]/.test(text) ? null : text;
}

/** A line's worth, without what would move a reader's cursor. */
function shown(text: string): string {
  const line = text.replace(/[\0-\x1f\x7f-\x9f\s]+/g, ' ').trim();
  return line.length > SHOWN_CHARACTERS ? `'${line.slice(0, SHOWN_CHARACTERS)}…'` : `'${line}'`;
}
