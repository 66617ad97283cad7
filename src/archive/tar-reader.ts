import { Header, Pax } from 'tar';
import { archiveError } from './problems.ts';
import type { ArchiveWriter, EntryFacts, OpenFile } from './writer.ts';

/**
 * Reads a tar stream, in whatever pieces it comes, into a writer.
 *
 * States: *header* (512 bytes) → *content* of a file, or *meta* (the text of a long name or of a PAX header) → *padding* to the next
 * multiple of 512 → *header* … → *end* (two empty blocks, or one at the very end of the stream, as some writers leave it). What follows
 * the end is padding and is ignored. Headers are read by the `tar` library; writing is ours, and synchronous.
 */
export interface TarReader {
  write(chunk: Uint8Array): void;
  /** To be called when the stream is over. @throws SlipwayError ARCHIVE_TRUNCATED in the middle of something */
  end(): void;
}

const BLOCK = 512;
/** Names and PAX headers: far more than any path needs, far less than memory. */
const MAX_META_BYTES = 1024 * 1024;

type State = 'header' | 'content' | 'meta' | 'end';

type Meta =
  | 'ExtendedHeader'
  | 'OldExtendedHeader'
  | 'GlobalExtendedHeader'
  | 'NextFileHasLongPath'
  | 'NextFileHasLongLinkpath';

const META: readonly string[] = [
  'ExtendedHeader',
  'OldExtendedHeader',
  'GlobalExtendedHeader',
  'NextFileHasLongPath',
  'OldGnuLongPath',
  'NextFileHasLongLinkpath',
] satisfies readonly (Meta | 'OldGnuLongPath')[];

export function createTarReader(writer: ArchiveWriter): TarReader {
  let state: State = 'header';
  const header = Buffer.alloc(BLOCK);
  let headerBytes = 0;
  let contentLeft = 0;
  let paddingLeft = 0;
  let entryName = '';
  let openFile: OpenFile | null = null;
  let meta: { readonly type: string; readonly chunks: Uint8Array[] } | null = null;
  let seenEntries = 0;
  let extended: Pax | undefined;
  let globals: Pax | undefined;
  let longPath: string | undefined;
  let longLink: string | undefined;

  function beginEntry(): void {
    const parsed = parseHeader(header, extended, globals, seenEntries);
    if (parsed === null) {
      state = 'end';
      return;
    }
    seenEntries += 1;
    const type = parsed.type as string;
    const size = extended?.size ?? parsed.size ?? 0;
    entryName = longPath ?? extended?.path ?? globals?.path ?? parsed.path ?? '';
    contentLeft = size;
    paddingLeft = (BLOCK - (size % BLOCK)) % BLOCK;
    if (META.includes(type)) {
      if (size > MAX_META_BYTES) throw archiveError('ARCHIVE_CORRUPT', entryName, `has a header of ${size} bytes`);
      meta = { type, chunks: [] };
      state = 'meta';
    } else {
      makeEntry(type, parsed, longLink ?? extended?.linkpath ?? parsed.linkpath ?? '');
      extended = undefined;
      longPath = undefined;
      longLink = undefined;
      state = 'content';
    }
    if (contentLeft === 0) finishEntry();
  }

  function makeEntry(type: string, parsed: Header, target: string): void {
    const facts = factsOf(parsed, extended ?? globals);
    if (extended !== undefined && isSparse(extended)) {
      throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entryName, 'is a sparse file: make the bundle without --sparse');
    }
    switch (type) {
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        // Old writers mark a folder by nothing but the slash at its end.
        if (entryName.endsWith('/')) writer.directory(entryName, facts);
        else openFile = writer.file(entryName, facts);
        return;
      case 'Directory':
      case 'GNUDumpDir':
        writer.directory(entryName, facts);
        return;
      case 'SymbolicLink':
        contentLeft = 0;
        paddingLeft = 0;
        writer.symlink(entryName, target, facts);
        return;
      case 'Link':
        contentLeft = 0;
        paddingLeft = 0;
        writer.hardLink(entryName, target);
        return;
      case 'SparseFile':
        throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entryName, 'is a sparse file: make the bundle without --sparse');
      default:
        throw archiveError('ARCHIVE_ENTRY_UNUSABLE', entryName, `is no file, folder or link but a ${type}`);
    }
  }

  function finishEntry(): void {
    openFile?.close();
    openFile = null;
    if (meta !== null) {
      const text = Buffer.concat(meta.chunks).toString('utf8');
      readMeta(meta.type, text);
      meta = null;
    }
    state = 'header';
  }

  function readMeta(type: string, text: string): void {
    switch (type) {
      case 'ExtendedHeader':
      case 'OldExtendedHeader':
        extended = Pax.parse(text, extended, false);
        return;
      case 'GlobalExtendedHeader':
        globals = Pax.parse(text, globals, true);
        return;
      case 'NextFileHasLongLinkpath':
        longLink = text.replace(/\0.*$/s, '');
        return;
      default:
        longPath = text.replace(/\0.*$/s, '');
    }
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (state === 'end') return;
        if (paddingLeft > 0 && contentLeft === 0) {
          const skipped = Math.min(paddingLeft, chunk.length - at);
          paddingLeft -= skipped;
          at += skipped;
        } else if (state === 'header') {
          const taken = Math.min(BLOCK - headerBytes, chunk.length - at);
          header.set(chunk.subarray(at, at + taken), headerBytes);
          headerBytes += taken;
          at += taken;
          if (headerBytes < BLOCK) continue;
          headerBytes = 0;
          beginEntry();
        } else {
          const taken = Math.min(contentLeft, chunk.length - at);
          const piece = chunk.subarray(at, at + taken);
          if (meta !== null) meta.chunks.push(Uint8Array.from(piece));
          else openFile?.write(piece);
          contentLeft -= taken;
          at += taken;
          if (contentLeft === 0) finishEntry();
        }
      }
    },

    end() {
      openFile?.close();
      openFile = null;
      if (state === 'content' || state === 'meta') {
        throw archiveError('ARCHIVE_TRUNCATED', entryName, `is cut off: ${contentLeft} bytes of it are missing`);
      }
      if (headerBytes > 0) throw archiveError('ARCHIVE_TRUNCATED', null, 'ends in the middle of a header');
      if (state !== 'end') throw archiveError('ARCHIVE_TRUNCATED', null, 'ends without the mark of its end');
    },
  };
}

/** @returns null for an empty block, which is the end */
function parseHeader(block: Buffer, extended: Pax | undefined, globals: Pax | undefined, seen: number): Header | null {
  let parsed: Header;
  try {
    parsed = new Header(block, 0, extended, globals);
  } catch (cause) {
    throw archiveError('ARCHIVE_CORRUPT', null, `has a header that cannot be read (after ${seen} entries)`, cause);
  }
  if (parsed.nullBlock) return null;
  if (!parsed.cksumValid) {
    throw archiveError(
      'ARCHIVE_CORRUPT',
      null,
      seen === 0 ? 'is no tar archive' : `has a header whose checksum is wrong (after ${seen} entries)`,
    );
  }
  const size = extended?.size ?? parsed.size ?? 0;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw archiveError('ARCHIVE_CORRUPT', parsed.path ?? null, `claims a size of ${size} bytes`);
  }
  return parsed;
}

function factsOf(parsed: Header, extended: Pax | undefined): EntryFacts {
  const mtime = extended?.mtime ?? parsed.mtime;
  const uid = extended?.uid ?? parsed.uid;
  const gid = extended?.gid ?? parsed.gid;
  return {
    mode: parsed.mode,
    mtimeMs: mtime === undefined || Number.isNaN(mtime.getTime()) ? undefined : mtime.getTime(),
    ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
  };
}

/** PAX sparse files (GNU.sparse.*) hold a map in front of their content; written as they are they would be damaged. */
function isSparse(extended: Pax): boolean {
  return Object.keys(extended).some((name) => name.startsWith('GNU.sparse.'));
}
