/** Extended headers of the pax format: `LENGTH KEY=VALUE` lines that take precedence over the fields of a tar header. Pure. */
import { archiveError } from './problems.ts';
import type { SparsePiece } from './sparse.ts';
import { decodeText } from './tar-header.ts';

export interface PaxRecords {
  readonly path?: string;
  readonly linkPath?: string;
  readonly sizeBytes?: number;
  readonly mtimeSeconds?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly sparse?: PaxSparse;
}

/** Values of the `GNU.sparse.*` records of the three pax sparse formats. */
export interface PaxSparse {
  readonly name?: string;
  readonly realSizeBytes?: number;
  /** Formats 0.0 and 0.1 list the pieces here; 1.0 (`isInContent`) puts the list in front of the content. */
  readonly pieces: readonly SparsePiece[];
  readonly isInContent: boolean;
}

/** Records that would make one file of all that follow; no tool writes them for all. */
const NEVER_GLOBAL = /^(path|linkpath|size|GNU\.sparse\..*)$/;

/**
 * @param before records of an earlier header for the same entry, which these are added to
 * @throws SlipwayError ARCHIVE_CORRUPT for a line that is none, or a number that is none
 */
export function parsePax(content: Buffer, isGlobal: boolean, before: PaxRecords = {}): PaxRecords {
  const found: { -readonly [K in keyof PaxRecords]: PaxRecords[K] } = { ...before };
  const sparse = new Map<string, string>();
  const pieces: SparsePiece[] = [];
  let offset = 0;
  for (const { key, value } of records(content)) {
    if (isGlobal && NEVER_GLOBAL.test(key)) {
      throw archiveError('ARCHIVE_CORRUPT', null, `has a global header that sets '${key}' for every entry`);
    }
    // An empty value takes a record back: the header's own field counts.
    if (value.length === 0) continue;
    if (key === 'path') found.path = decodeText(value);
    else if (key === 'linkpath') found.linkPath = decodeText(value);
    else if (key === 'size') found.sizeBytes = count(key, value);
    else if (key === 'mtime') found.mtimeSeconds = decimal(key, value);
    else if (key === 'uid') found.uid = count(key, value);
    else if (key === 'gid') found.gid = count(key, value);
    else if (key === 'GNU.sparse.offset') offset = count(key, value);
    else if (key === 'GNU.sparse.numbytes') pieces.push({ offset, bytes: count(key, value) });
    else if (key.startsWith('GNU.sparse.')) sparse.set(key.slice('GNU.sparse.'.length), decodeText(value));
  }
  if (sparse.size > 0 || pieces.length > 0) found.sparse = readSparse(sparse, pieces);
  return found;
}

function readSparse(records: ReadonlyMap<string, string>, listed: readonly SparsePiece[]): PaxSparse {
  const name = records.get('name');
  const size = records.get('realsize') ?? records.get('size');
  return {
    ...(name === undefined ? {} : { name }),
    ...(size === undefined ? {} : { realSizeBytes: count('GNU.sparse.realsize', Buffer.from(size)) }),
    pieces: [...listed, ...readMap(records.get('map'))],
    isInContent: records.get('major') === '1',
  };
}

function readMap(map: string | undefined): SparsePiece[] {
  if (map === undefined || map === '') return [];
  const numbers = map.split(',').map((text) => count('GNU.sparse.map', Buffer.from(text)));
  if (numbers.length % 2 !== 0) throw archiveError('ARCHIVE_CORRUPT', null, 'has a sparse map with half a piece');
  return Array.from({ length: numbers.length / 2 }, (_, n) => ({
    offset: numbers[2 * n] ?? 0,
    bytes: numbers[2 * n + 1] ?? 0,
  }));
}

function* records(content: Buffer): Generator<{ key: string; value: Buffer }> {
  for (let at = 0; at < content.length && content[at] !== 0; ) {
    const blank = content.indexOf(0x20, at);
    const digits = blank < 0 ? '' : content.toString('latin1', at, Math.min(blank, at + 20));
    const end = at + Number(digits);
    const equals = content.indexOf(0x3d, blank);
    const isWhole = /^[0-9]+$/.test(digits) && end <= content.length && content[end - 1] === 0x0a;
    if (!isWhole || equals <= blank || equals >= end) {
      throw archiveError('ARCHIVE_CORRUPT', null, 'has an extended header that cannot be read');
    }
    yield { key: content.toString('utf8', blank + 1, equals), value: content.subarray(equals + 1, end - 1) };
    at = end;
  }
}

function count(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number)) throw notANumber(key);
  return number;
}

function decimal(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  if (!/^-?[0-9]{1,15}(\.[0-9]*)?$/.test(text)) throw notANumber(key);
  return Number(text);
}

function notANumber(key: string): Error {
  return archiveError('ARCHIVE_CORRUPT', null, `has an extended header whose '${key}' is no number that can be used`);
}
