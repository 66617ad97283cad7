/**
 * Deflate stores what it cannot make smaller, such as pictures and packed programs. Such blocks only have to be put together again, which
 * is many times faster than zlib does it, and takes no thread. The few compressed blocks between them (of a tar archive, those with the
 * headers) are decoded here, too.
 *
 * @see RFC 1951, 3.2.3 and 3.2.4
 */
import { beginAtByte } from './empty-blocks.ts';
import { inflateBlock } from './inflate-block.ts';

/** How far back what follows may refer. */
const WINDOW_BYTES = 32 * 1024;
/** In a block's first bits: whether it is the last one; and its kind, of which both bits are clear when it is stored. */
const HEADER_BITS = 3;
const LAST = 0b001;
const KIND = 0b110;
/** The length of a stored block, twice, the second time inverted. */
const LENGTHS_BYTES = 4;
/** How much is decoded here in any case, and which part of what was stored besides: zlib takes a hundredth of the time for it. */
const FREE_BYTES = 64 * 1024;
const DECODED_PART = 1 / 128;
/** Stored blocks that are shorter on average are for zlib as well, which takes less time to read their headers. */
const LEAST_MEAN_BYTES = 256;
/** A block counts for so many bytes more, because to read its codes takes time as well, and it may be empty. */
const BYTES_PER_BLOCK = 4 * 1024;
/** A compressed block that is not whole in so many bytes is left to zlib. */
const LONGEST_BLOCK = 128 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

export type TakeContent = (content: Buffer) => void;

export interface DeflateBlocks {
  /**
   * Goes on with the next piece of what was deflated, and writes into it.
   *
   * @param take is given the content in order, in buffers that are used again
   * @returns null; or what zlib must inflate from here on, with `window` as its dictionary, and further pieces behind it
   */
  read(piece: Buffer, take: TakeContent): Buffer | null;
  /** The same at the end of all pieces, for what was kept until more would come. */
  finish(take: TakeContent): Buffer | null;
  window(): { readonly dictionary?: Buffer };
  /** Whether the last block has come, whole. */
  hasEnded(): boolean;
  /** How many bytes of the last piece stand behind the last block, and do not belong to it. */
  behindEnd(): number;
}

/** Reads blocks as long as most are stored. Damaged blocks are left to zlib to judge. */
export function createDeflateBlocks(): DeflateBlocks {
  const last = createWindow();
  /** Bytes that cannot be understood before more have come. Bits of its first byte may belong to the block before. */
  let kept = NOTHING;
  let bitsBefore = 0;
  let leftOfBlock = 0;
  let isLast = false;
  let behindEnd = 0;
  let storedBytes = 0;
  let storedBlocks = 0;
  let decodedBytes = 0;
  const hasEnded = () => isLast && leftOfBlock === 0;

  function go(input: Buffer, isOver: boolean, take: TakeContent): Buffer | null {
    let at = 0;
    let gathered = 0;
    const give = (content: Buffer) => {
      if (content.length === 0) return;
      last.add(content);
      take(content);
    };
    const giveGathered = () => {
      storedBytes += gathered;
      give(input.subarray(0, gathered));
      gathered = 0;
    };
    while (!hasEnded()) {
      if (leftOfBlock > 0) {
        const end = Math.min(at + leftOfBlock, input.length);
        input.copyWithin(gathered, at, end);
        gathered += end - at;
        leftOfBlock -= end - at;
        at = end;
        if (leftOfBlock > 0) break;
        continue;
      }
      const header = storedHeader(input, at, bitsBefore);
      const areShort = storedBlocks * LEAST_MEAN_BYTES > FREE_BYTES + storedBytes + gathered;
      if (header !== null && !areShort) {
        ({ at, length: leftOfBlock, isLast } = header);
        bitsBefore = 0;
        storedBlocks += 1;
        continue;
      }
      giveGathered();
      if (areShort) return beginAtByte(input.subarray(at), bitsBefore);
      const ahead = input.subarray(at, at + LONGEST_BLOCK);
      if (ahead.length === 0 || (ahead.length < LONGEST_BLOCK && !isOver)) break;
      decodedBytes += BYTES_PER_BLOCK;
      const most = Math.floor(FREE_BYTES + storedBytes * DECODED_PART - decodedBytes);
      const block = most < 0 ? null : inflateBlock(ahead, bitsBefore, last.content(), most);
      if (block === null) return beginAtByte(input.subarray(at), bitsBefore);
      decodedBytes += block.content.length;
      give(block.content);
      at += block.end >> 3;
      bitsBefore = block.end & 7;
      isLast = block.isLast;
    }
    giveGathered();
    // The rest of a byte that the last block begins with belongs to nothing.
    if (hasEnded() && bitsBefore > 0) at += 1;
    behindEnd = input.length - at;
    kept = Buffer.from(input.subarray(at));
    return null;
  }

  return {
    read: (piece, take) => go(kept.length === 0 ? piece : Buffer.concat([kept, piece]), false, take),
    finish: (take) => (hasEnded() ? null : go(kept, true, take)),
    window: () => (last.content().length === 0 ? {} : { dictionary: last.content() }),
    hasEnded,
    behindEnd: () => behindEnd,
  };
}

interface StoredHeader {
  /** Where the content begins. */
  readonly at: number;
  readonly length: number;
  readonly isLast: boolean;
}

/** @returns null when the block is not stored, or is damaged, or its header is not whole in the input */
function storedHeader(input: Buffer, at: number, bitsBefore: number): StoredHeader | null {
  const lengthsAt = at + Math.ceil((bitsBefore + HEADER_BITS) / 8);
  if (lengthsAt + LENGTHS_BYTES > input.length) return null;
  const bits = input.readUInt16LE(at) >> bitsBefore;
  const length = input.readUInt16LE(lengthsAt);
  if ((bits & KIND) !== 0 || length !== (~input.readUInt16LE(lengthsAt + 2) & 0xffff)) return null;
  return { at: lengthsAt + LENGTHS_BYTES, length, isLast: (bits & LAST) !== 0 };
}

/** The content that comes last, as much as what follows may refer to. */
function createWindow() {
  const bytes = Buffer.alloc(WINDOW_BYTES);
  let known = 0;
  return {
    add(content: Buffer): void {
      const young = content.subarray(-WINDOW_BYTES);
      bytes.copyWithin(0, young.length);
      young.copy(bytes, WINDOW_BYTES - young.length);
      known = Math.min(known + young.length, WINDOW_BYTES);
    },
    content: () => bytes.subarray(WINDOW_BYTES - known),
  };
}
