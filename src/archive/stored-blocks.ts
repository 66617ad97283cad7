/**
 * What deflate cannot make smaller it stores: pictures, packed programs and the like come out of it in blocks that only have to be put
 * together again, which is many times faster than zlib does it, and takes no thread.
 *
 * @see RFC 1951, 3.2.3 and 3.2.4
 */

/** How far back what follows may refer. */
const WINDOW_BYTES = 32 * 1024;
/** One byte that says what kind of block it is and whether it is the last, then its length twice, the second time inverted. */
const HEADER_BYTES = 5;
const LAST = 0b001;
/** Both are clear when the block is stored. */
const KIND = 0b110;
const NOTHING: Buffer = Buffer.alloc(0);

export interface StoredBlocks {
  /**
   * Goes on with the next piece of what was deflated.
   *
   * @returns the content that it holds, put together at its beginning, and null; or the same and what must be inflated from here on
   */
  read(piece: Buffer): { readonly content: Buffer; readonly rest: Buffer | null };
  /** The last content before the rest, which may refer to it, as zlib is given it. */
  window(): { readonly dictionary?: Buffer };
  /** Whether the last block has come, whole. What stands behind it does not belong to it. */
  hasEnded(): boolean;
}

/** Reads blocks as long as they are stored. Of what is damaged it makes nothing: that is the rest, and for zlib to judge. */
export function createStoredBlocks(): StoredBlocks {
  /** The beginning of a header whose end is in the next piece. */
  let begun = NOTHING;
  let leftOfBlock = 0;
  let isLast = false;
  const last = Buffer.alloc(WINDOW_BYTES);
  let known = 0;

  function remember(content: Buffer): void {
    const young = content.subarray(-WINDOW_BYTES);
    last.copyWithin(0, young.length);
    young.copy(last, WINDOW_BYTES - young.length);
    known = Math.min(known + young.length, WINDOW_BYTES);
  }

  const hasEnded = () => isLast && leftOfBlock === 0;

  return {
    read(piece) {
      const input = begun.length === 0 ? piece : Buffer.concat([begun, piece]);
      begun = NOTHING;
      let kept = 0;
      let rest: Buffer | null = null;
      for (let at = 0; at < input.length && rest === null && !hasEnded(); ) {
        if (leftOfBlock > 0) {
          const end = Math.min(at + leftOfBlock, input.length);
          input.copyWithin(kept, at, end);
          kept += end - at;
          leftOfBlock -= end - at;
          at = end;
          continue;
        }
        const header = input.subarray(at, at + HEADER_BYTES);
        if (!mayBeStored(header)) rest = input.subarray(at);
        else if (header.length < HEADER_BYTES) begun = Buffer.from(header);
        else {
          leftOfBlock = header.readUInt16LE(1);
          isLast = isBitSet(header, LAST);
        }
        at += header.length;
      }
      const content = input.subarray(0, kept);
      remember(content);
      return { content, rest };
    },
    window: () => (known === 0 ? {} : { dictionary: last.subarray(WINDOW_BYTES - known) }),
    hasEnded,
  };
}

function mayBeStored(header: Buffer): boolean {
  if (isBitSet(header, KIND)) return false;
  return header.length < HEADER_BYTES || header.readUInt16LE(1) === (~header.readUInt16LE(3) & 0xffff);
}

function isBitSet(header: Buffer, bits: number): boolean {
  return ((header[0] ?? 0) & bits) !== 0;
}
