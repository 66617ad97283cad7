/** Which bytes of an object are here, and which are still to come. Pure. */

/** Bytes `from` to `to`, the latter not included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** The same bytes in as few ranges as there can be, in order. */
export function joinRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || range.from > last.to) joined.push(range);
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return joined;
}

/** Returns the missing ranges of `sizeBytes` bytes, in order, in pieces of at most `pieceBytes`. */
export function missingPieces(done: readonly ByteRange[], sizeBytes: number, pieceBytes: number): readonly ByteRange[] {
  const pieces: ByteRange[] = [];
  let at = 0;
  for (const { from, to } of [...joinRanges(done), { from: sizeBytes, to: sizeBytes }]) {
    for (; at < Math.min(from, sizeBytes); at = Math.min(at + pieceBytes, from, sizeBytes)) {
      pieces.push({ from: at, to: Math.min(at + pieceBytes, from, sizeBytes) });
    }
    at = Math.max(at, to);
  }
  return pieces;
}

export function countBytes(ranges: readonly ByteRange[]): number {
  return joinRanges(ranges).reduce((sum, { from, to }) => sum + to - from, 0);
}

/** `bytes 0-99/1234` → the range and the size of the whole; null for anything else, and null as size where it says `*`. */
export function parseContentRange(
  header: string | undefined,
): { readonly range: ByteRange; readonly sizeBytes: number | null } | null {
  const [, from, last, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header ?? '') ?? [];
  if (from === undefined || last === undefined) return null;
  return { range: { from: Number(from), to: Number(last) + 1 }, sizeBytes: size === '*' ? null : Number(size) };
}
