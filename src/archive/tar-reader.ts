import type { WritableFile } from './file-writer.ts';
import { type PaxRecords, type PaxSparse, parsePax } from './pax.ts';
import { archiveError, specialFileError } from './problems.ts';
import { createSparseMapReader, type SparseMapReader, type SparsePiece, spreadOver } from './sparse.ts';
import {
  BLOCK_BYTES,
  decodeText,
  gnuSparseContinuation,
  gnuSparseHeader,
  parseTarHeader,
  type TarHeader,
} from './tar-header.ts';
import type { ArchiveWriter, EntryFacts } from './writer.ts';

/**
 * Reads a tar stream, in whatever pieces it comes, into a writer.
 *
 * States: *header* (512 bytes) → *content*, or *meta* (the text of a long name or of a pax header) → *padding* to the next multiple of 512
 * → *header* … → *end* (a block of zeros; the second one may be missing, as some writers leave it). Sparse files have blocks of their own
 * between header and content: *list* in GNU's format, *map* in pax 1.0. Bytes after the end are padding and are ignored.
 */
export interface TarReader {
  /** @returns false when the end has been seen, and nothing that follows counts */
  write(chunk: Buffer): boolean;
  /**
   * Call it when the stream is over.
   *
   * @throws SlipwayError ARCHIVE_TRUNCATED in the middle of something
   */
  end(): void;
}

/** Names, pax headers, and what GNU's incremental archives list of a folder: far more than any needs, far less than memory. */
const MAX_META_BYTES = 1024 * 1024;
/** Headers that only describe the next entry: one of each kind is honest, endless ones are a way to keep a reader busy. */
const MAX_METAS_IN_A_ROW = 16;

type State = 'header' | 'list' | 'map' | 'content' | 'meta' | 'end';

interface SparseStart {
  readonly name: string;
  readonly facts: EntryFacts;
  readonly realSizeBytes: number;
  readonly pieces: SparsePiece[];
}

export function createTarReader(writer: ArchiveWriter): TarReader {
  let state: State = 'header';
  /** A header that comes in pieces is put together here. */
  const held = Buffer.alloc(BLOCK_BYTES);
  let heldBytes = 0;
  let contentLeft = 0;
  let paddingLeft = 0;
  let entryName = '';
  let openFile: WritableFile | null = null;
  let meta: { readonly type: string; readonly chunks: Buffer[] } | null = null;
  let sparse: SparseStart | null = null;
  let mapReader: SparseMapReader | null = null;
  let entries = 0;
  let metasInARow = 0;
  let globals: PaxRecords = {};
  let extended: PaxRecords = {};
  let longName: string | undefined;
  let longLinkName: string | undefined;

  function readBlock(block: Buffer): void {
    if (state === 'list') goOnWithList(block);
    else if (state === 'map') goOnWithMap(block);
    else readHeader(block);
  }

  function readHeader(block: Buffer): void {
    const header = parseTarHeader(block, entries);
    if (header === null) {
      if (metasInARow > 0) throw archiveError('ARCHIVE_CORRUPT', null, 'ends where an entry was announced');
      state = 'end';
      return;
    }
    if (isMeta(header.type)) {
      beginMeta(header);
      return;
    }
    entries += 1;
    metasInARow = 0;
    beginEntry(header, block);
    extended = {};
    longName = undefined;
    longLinkName = undefined;
    if (contentLeft === 0 && state === 'content') finishContent();
  }

  function beginMeta(header: TarHeader): void {
    metasInARow += 1;
    if (metasInARow > MAX_METAS_IN_A_ROW) {
      throw archiveError('ARCHIVE_CORRUPT', header.name, 'is one of too many headers for one entry');
    }
    entryName = header.name;
    follows(header.sizeBytes, 'meta');
    requireSmall(header.sizeBytes);
    meta = { type: header.type, chunks: [] };
    if (contentLeft === 0) finishContent();
  }

  function requireSmall(sizeBytes: number): void {
    if (sizeBytes > MAX_META_BYTES) {
      throw archiveError('ARCHIVE_CORRUPT', entryName, `has a header of ${sizeBytes} bytes`);
    }
  }

  function follows(sizeBytes: number, as: State): void {
    contentLeft = sizeBytes;
    paddingLeft = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    state = as;
  }

  function beginEntry(header: TarHeader, block: Buffer): void {
    entryName = extended.sparse?.name ?? longName ?? extended.path ?? header.name;
    const target = longLinkName ?? extended.linkPath ?? header.linkName;
    const facts = factsOf(header, { ...globals, ...extended });
    follows(extended.sizeBytes ?? header.sizeBytes, 'content');
    switch (header.type) {
      case '0':
      case '7':
        if (extended.sparse !== undefined) beginPaxSparse(extended.sparse, facts);
        // Old writers mark a folder by nothing but the slash at its end.
        else if (entryName.endsWith('/')) beginDirectory(facts);
        else openFile = writer.file(entryName, facts);
        return;
      case 'S':
        beginGnuSparse(block, facts);
        return;
      case '5':
      case 'D':
        beginDirectory(facts);
        return;
      case '2':
        // Whatever size a link claims, nothing follows it.
        follows(0, 'content');
        writer.symlink(entryName, target, facts);
        return;
      case '1':
        follows(0, 'content');
        writer.hardLink(entryName, target);
        return;
      case 'V':
        // The label of a volume names the archive, not a file.
        requireSmall(contentLeft);
        return;
      default:
        throw specialFileError(entryName, kindOf(header.type));
    }
  }

  function beginDirectory(facts: EntryFacts): void {
    requireSmall(contentLeft);
    writer.directory(entryName, facts);
  }

  function beginPaxSparse(records: PaxSparse, facts: EntryFacts): void {
    const realSizeBytes = records.realSizeBytes ?? contentLeft;
    if (records.isInContent) {
      sparse = { name: entryName, facts, realSizeBytes, pieces: [] };
      mapReader = createSparseMapReader(entryName);
      state = 'map';
      if (contentLeft < BLOCK_BYTES) throw archiveError('ARCHIVE_CORRUPT', entryName, 'has no sparse map');
      return;
    }
    beginSpread({ name: entryName, facts, realSizeBytes, pieces: [...records.pieces] });
  }

  function beginGnuSparse(block: Buffer, facts: EntryFacts): void {
    const { realSizeBytes, pieces, continues } = gnuSparseHeader(block, entryName);
    const start = { name: entryName, facts, realSizeBytes, pieces };
    if (continues) {
      sparse = start;
      state = 'list';
    } else beginSpread(start);
  }

  function goOnWithList(block: Buffer): void {
    if (sparse === null) return;
    const { pieces, continues } = gnuSparseContinuation(block, sparse.name);
    if (pieces.length === 0 && continues) {
      throw archiveError('ARCHIVE_CORRUPT', sparse.name, 'has a sparse map without an end');
    }
    sparse.pieces.push(...pieces);
    // Sixteen bytes each: a map as large as this is none.
    requireSmall(sparse.pieces.length * 16);
    if (!continues) beginSpread(sparse);
  }

  function goOnWithMap(block: Buffer): void {
    contentLeft -= block.length;
    const pieces = mapReader?.block(block) ?? null;
    if (pieces !== null && sparse !== null) beginSpread({ ...sparse, pieces });
    else if (contentLeft < BLOCK_BYTES)
      throw archiveError('ARCHIVE_CORRUPT', entryName, 'has a sparse map without an end');
  }

  function beginSpread({ name, facts, realSizeBytes, pieces }: SparseStart): void {
    openFile = spreadOver(writer.file(name, facts), name, pieces, realSizeBytes, contentLeft);
    sparse = null;
    mapReader = null;
    state = 'content';
    if (contentLeft === 0) finishContent();
  }

  function finishContent(): void {
    openFile?.close();
    openFile = null;
    if (meta !== null) readMeta(meta.type, Buffer.concat(meta.chunks));
    meta = null;
    state = 'header';
  }

  function readMeta(type: string, content: Buffer): void {
    if (type === 'x' || type === 'X') extended = parsePax(content, false, extended);
    else if (type === 'g') globals = parsePax(content, true, globals);
    else if (type === 'K') longLinkName = untilNul(content);
    else longName = untilNul(content);
  }

  /** @returns how much of the chunk, from `at` on, has been taken */
  function step(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (paddingLeft > 0 && contentLeft === 0) {
      const skipped = Math.min(paddingLeft, available);
      paddingLeft -= skipped;
      return skipped;
    }
    if (state === 'header' || state === 'list' || state === 'map') {
      if (heldBytes === 0 && available >= BLOCK_BYTES) {
        readBlock(chunk.subarray(at, at + BLOCK_BYTES));
        return BLOCK_BYTES;
      }
      const taken = Math.min(BLOCK_BYTES - heldBytes, available);
      chunk.copy(held, heldBytes, at, at + taken);
      heldBytes += taken;
      if (heldBytes === BLOCK_BYTES) {
        heldBytes = 0;
        readBlock(held);
      }
      return taken;
    }
    const taken = Math.min(contentLeft, available);
    const piece = chunk.subarray(at, at + taken);
    // The chunk will be used again, so what is kept is copied.
    if (meta !== null) meta.chunks.push(Buffer.from(piece));
    else openFile?.write(piece);
    contentLeft -= taken;
    if (contentLeft === 0) finishContent();
    return taken;
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length && state !== 'end'; ) at += step(chunk, at);
      return state !== 'end';
    },

    end() {
      if (state === 'end') return;
      if (state !== 'header') {
        throw archiveError('ARCHIVE_TRUNCATED', entryName, `is cut off: ${contentLeft} bytes of it are missing`);
      }
      if (heldBytes > 0) throw archiveError('ARCHIVE_TRUNCATED', null, 'ends in the middle of a header');
      throw archiveError('ARCHIVE_TRUNCATED', null, 'ends without the mark of its end');
    },
  };
}

function isMeta(type: string): boolean {
  return type === 'x' || type === 'g' || type === 'L' || type === 'K' || type === 'X';
}

function kindOf(type: string): string {
  switch (type) {
    case '3':
      return 'a character device';
    case '4':
      return 'a block device';
    case '6':
      return 'a named pipe';
    case 'M':
      return 'the rest of a file that began in another volume';
    default:
      return `of the unknown type '${type}'`;
  }
}

function untilNul(content: Buffer): string {
  const end = content.indexOf(0);
  return decodeText(end < 0 ? content : content.subarray(0, end));
}

function factsOf(header: TarHeader, records: PaxRecords): EntryFacts {
  return {
    mode: header.mode,
    mtimeMs: (records.mtimeSeconds ?? header.mtimeSeconds) * 1000,
    owner: { uid: records.uid ?? header.uid, gid: records.gid ?? header.gid },
  };
}
