/**
 * Decodes one compressed block of deflate. The streams of zlib do not say where a block ends, so this is needed to read the stored blocks
 * behind it without zlib. That is slow, and meant for the few such blocks between many that are only stored. Pure.
 *
 * @see RFC 1951, 3.2.5 to 3.2.7
 */

export interface InflatedBlock {
  readonly content: Buffer;
  /** Where the next block begins, in bits from the beginning of the input. */
  readonly end: number;
  readonly isLast: boolean;
}

/** A code: how many symbols have codes of each length, and the symbols in the order of their codes. */
interface Code {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

interface Codes {
  readonly literals: Code;
  readonly distances: Code;
}

const FIXED = 1;
const DYNAMIC = 2;
const MAX_LENGTH = 15;
const END_OF_BLOCK = 256;
const MOST_LITERALS = 286;
const MOST_DISTANCES = 30;
/** The order in which the lengths of the code for lengths are written. */
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTH_BASES = [...basesOf(LENGTH_BITS.slice(0, -1), 3), 258];
const DISTANCE_BITS = Array.from({ length: MOST_DISTANCES }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));
const DISTANCE_BASES = basesOf(DISTANCE_BITS, 1);
const FIXED_CODES: Codes = {
  literals: codeOf(
    Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  ),
  distances: codeOf(Array.from({ length: MOST_DISTANCES }, () => 5)),
};

/**
 * @param at where the block begins, in bits from the beginning of the input
 * @param before the content before it, as much as it may refer to
 * @param maxBytes how long its content may be
 * @returns null when it is not whole in the input, longer than that, or damaged in any way: zlib has to say in which
 */
export function inflateBlock(input: Buffer, at: number, before: Buffer, maxBytes: number): InflatedBlock | null {
  const bits = createBits(input, at);
  const isLast = bits.take(1) === 1;
  const kind = bits.take(2);
  const codes = kind === FIXED ? FIXED_CODES : kind === DYNAMIC ? readCodes(bits) : null;
  if (codes === null) return null;
  const output = Buffer.allocUnsafe(before.length + maxBytes);
  before.copy(output);
  const end = decodeInto(output, before.length, bits, codes);
  if (end === null || bits.isOver()) return null;
  return { content: output.subarray(before.length, end), end: bits.at(), isLast };
}

/** @returns where the content ends in `output`; null: it does not fit, or is damaged */
function decodeInto(output: Buffer, begin: number, bits: Bits, { literals, distances }: Codes): number | null {
  for (let at = begin; !bits.isOver(); ) {
    const symbol = decode(bits, literals);
    if (symbol === END_OF_BLOCK) return at;
    if (symbol < 0 || symbol >= MOST_LITERALS || at === output.length) return null;
    if (symbol < END_OF_BLOCK) {
      output[at] = symbol;
      at += 1;
      continue;
    }
    const length = take(bits, symbol - END_OF_BLOCK - 1, LENGTH_BASES, LENGTH_BITS);
    const distanceSymbol = decode(bits, distances);
    if (distanceSymbol < 0) return null;
    const from = at - take(bits, distanceSymbol, DISTANCE_BASES, DISTANCE_BITS);
    if (from < 0 || at + length > output.length) return null;
    // Byte by byte: what is copied may be what this very copy has just written.
    for (let n = 0; n < length; n += 1) output[at + n] = output[from + n] as number;
    at += length;
  }
  return null;
}

function take(bits: Bits, symbol: number, bases: readonly number[], extraBits: readonly number[]): number {
  return (bases[symbol] as number) + bits.take(extraBits[symbol] as number);
}

/** @returns null for what zlib refuses, and for some odd codes that it accepts */
function readCodes(bits: Bits): Codes | null {
  const literals = bits.take(5) + 257;
  const distances = bits.take(5) + 1;
  const written = bits.take(4) + 4;
  if (literals > MOST_LITERALS || distances > MOST_DISTANCES) return null;
  const ofLengths = new Array<number>(LENGTHS_ORDER.length).fill(0);
  for (const symbol of LENGTHS_ORDER.slice(0, written)) ofLengths[symbol] = bits.take(3);
  const lengthsCode = codeOf(ofLengths);
  if (!isComplete(lengthsCode)) return null;
  const lengths = readLengths(bits, lengthsCode, literals + distances);
  if (lengths === null || lengths[END_OF_BLOCK] === 0) return null;
  const codes = { literals: codeOf(lengths.slice(0, literals)), distances: codeOf(lengths.slice(literals)) };
  const hasOneDistance =
    codes.distances.symbols.length <= 1 && (codes.distances.counts[1] ?? 0) === codes.distances.symbols.length;
  return isComplete(codes.literals) && (hasOneDistance || isComplete(codes.distances)) ? codes : null;
}

/** Lengths as they are written: one by one, or the last one again, or a run of zeros. */
function readLengths(bits: Bits, code: Code, wanted: number): number[] | null {
  const lengths: number[] = [];
  while (lengths.length < wanted) {
    const symbol = decode(bits, code);
    if (symbol < 0 || bits.isOver()) return null;
    if (symbol <= MAX_LENGTH) {
      lengths.push(symbol);
      continue;
    }
    const repeated = symbol === 16 ? lengths.at(-1) : 0;
    const times = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (repeated === undefined || lengths.length + times > wanted) return null;
    for (let n = 0; n < times; n += 1) lengths.push(repeated);
  }
  return lengths;
}

/** The canonical code with these lengths, one for each symbol; 0: the symbol has none. */
function codeOf(lengths: readonly number[]): Code {
  const counts = new Array<number>(MAX_LENGTH + 1).fill(0);
  const symbols: number[] = [];
  for (let length = 1; length <= MAX_LENGTH; length += 1) {
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue;
      symbols.push(symbol);
      counts[length] = (counts[length] ?? 0) + 1;
    }
  }
  return { counts, symbols };
}

/** Whether every sequence of bits begins with a code, and with one alone. */
function isComplete({ counts }: Code): boolean {
  let free = 1;
  for (const count of counts.slice(1)) {
    free = 2 * free - count;
    if (free < 0) return false;
  }
  return free === 0;
}

/** @returns the next symbol; -1: no code is like that */
function decode(bits: Bits, { counts, symbols }: Code): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_LENGTH; length += 1) {
    code |= bits.take(1);
    const count = counts[length] as number;
    if (code < first + count) return symbols[index + code - first] as number;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return -1;
}

function basesOf(extraBits: readonly number[], smallest: number): number[] {
  let base = smallest;
  return extraBits.map((bits) => {
    const own = base;
    base += 1 << bits;
    return own;
  });
}

interface Bits {
  /** The next bits as a number, the first one its lowest; zeros where the input is over. */
  take(count: number): number;
  at(): number;
  /** Whether more has been taken than there is. */
  isOver(): boolean;
}

function createBits(input: Buffer, begin: number): Bits {
  let at = begin;
  return {
    take(count) {
      let value = 0;
      for (let n = 0; n < count; n += 1, at += 1) value |= (((input[at >> 3] ?? 0) >> (at & 7)) & 1) << n;
      return value;
    },
    at: () => at,
    isOver: () => at > 8 * input.length,
  };
}
