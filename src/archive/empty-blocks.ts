/**
 * zlib begins to inflate at a byte, and a block of deflate at any bit. Blocks without content in front of it make up the difference. Pure.
 *
 * @see RFC 1951, 3.2.6 and 3.2.7
 */

const END_OF_BLOCK_BITS = 7;
/** Block that is not the last one, of the fixed kind, with nothing but its end: 10 bits. */
const EMPTY_FIXED = [...bitsOf(0, 1), ...bitsOf(1, 2), ...bitsOf(0, END_OF_BLOCK_BITS)];
/**
 * The same with codes of its own, because 10 bits after 10 bits never make an odd number: 91 bits. Its code for lengths has two symbols, a
 * length of one (0) and a run of zeros (1). They say that of all literals the end of the block alone has a code.
 */
const LENGTHS_WITH_CODE = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const EMPTY_DYNAMIC = [
  ...[...bitsOf(0, 1), ...bitsOf(2, 2)],
  // 257 literals, two distances, and so many lengths of the code for lengths.
  ...[...bitsOf(0, 5), ...bitsOf(1, 5), ...bitsOf(LENGTHS_WITH_CODE.length - 4, 4)],
  ...LENGTHS_WITH_CODE.flatMap((length) => bitsOf(length, 3)),
  // 138 and 118 literals without a code, then the end of the block and both distances; then that end.
  ...[1, ...bitsOf(138 - 11, 7), 1, ...bitsOf(118 - 11, 7)],
  ...[0, 0, 0],
  0,
];

/**
 * @param input begins with a byte of which the first `bitsBefore` bits belong to the block before
 * @returns what zlib inflates to the same content: longer or shorter than the input by the blocks in front
 */
export function beginAtByte(input: Buffer, bitsBefore: number): Buffer {
  if (bitsBefore === 0) return input;
  const bits = bitsBefore % 2 === 0 ? [] : [...EMPTY_DYNAMIC];
  while (bits.length % 8 !== bitsBefore) bits.push(...EMPTY_FIXED);
  const front = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) front[at >> 3] = (front[at >> 3] ?? 0) | (bit << (at & 7));
  const shared = front.length - 1;
  front[shared] = (front[shared] ?? 0) | ((input[0] ?? 0) & (0xff << bitsBefore));
  return Buffer.concat([front, input.subarray(1)]);
}

/** The lowest bit first, as deflate writes numbers. */
function bitsOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => (value >> n) & 1);
}
