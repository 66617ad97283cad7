/**
 * Reads BER, of which DER is the strict form: a value is its tag, its length, and its bytes or further values. Pure.
 *
 * Written by hand because a specification is opened for each event of a deployment, and a general library takes a hundred times as long.
 *
 * @see X.690, 8.1
 */

/** Tags as they stand in the first byte: class, constructed or not, and number. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** Cut into pieces, as writers of streams do. */
  constructedOctetString: 0x24,
  context0: 0xa0,
  context1: 0xa1,
  context3: 0xa3,
} as const;

export interface BerValue {
  readonly tag: number;
  /** The whole value with its tag and length. */
  readonly bytes: Buffer;
  /** Bytes of a primitive value; of a constructed one those of its children. */
  readonly content: Buffer;
  /** Empty for a primitive value. */
  readonly children: readonly BerValue[];
  /** Whether its length is written before it. */
  readonly isDefinite: boolean;
}

/** Bytes that cannot be read as BER, or not as the expected value. */
export class BerError extends Error {}

/** An envelope has a dozen levels; a server that sends ten thousand wants the stack to run over. */
const DEEPEST = 40;
/**
 * Limit on the values of one envelope. A real envelope has a few hundred; each of millions of empty values would cost a hundred times its
 * two bytes on the wire.
 */
const MOST_VALUES = 20_000;
const CONSTRUCTED = 0x20;
const LONG_TAG = 0x1f;
const INDEFINITE = 0x80;
const LENGTH_BYTES = 4;

/**
 * Reads the value that begins a text of bytes.
 *
 * @returns the value, whose `bytes` may be shorter than what was given
 * @throws BerError
 */
export function readBer(bytes: Uint8Array): BerValue {
  return readAt(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, 0, { values: MOST_VALUES });
}

/** Rest of the values that may still be read from one text. */
interface Allowance {
  values: number;
}

function readAt(bytes: Buffer, at: number, depth: number, left: Allowance): BerValue {
  left.values -= 1;
  if (left.values < 0) throw new BerError(`it has more than ${MOST_VALUES} values`);
  if (depth > DEEPEST) throw new BerError(`its values lie more than ${DEEPEST} deep in each other`);
  const tag = byteAt(bytes, at);
  if (tag === 0) throw new BerError('it ends where a value should be');
  if ((tag & LONG_TAG) === LONG_TAG) throw new BerError('it has a tag of more than one byte');
  const isConstructed = (tag & CONSTRUCTED) !== 0;
  const first = byteAt(bytes, at + 1);
  if (first === INDEFINITE) {
    if (!isConstructed) throw new BerError('a value without a length has no further values in it');
    return readIndefinite(bytes, at, depth, left);
  }
  const { length, headerBytes } = readLength(bytes, at + 1, first);
  const begin = at + 1 + headerBytes;
  const end = begin + length;
  if (end > bytes.length) throw new BerError('it is cut off');
  const children: BerValue[] = [];
  if (isConstructed) {
    const inside = bytes.subarray(0, end);
    for (let next = begin; next < end; ) {
      const child = readAt(inside, next, depth + 1, left);
      children.push(child);
      next += child.bytes.length;
    }
  }
  return { tag, bytes: bytes.subarray(at, end), content: bytes.subarray(begin, end), children, isDefinite: true };
}

/** Goes on until two zero bytes stand where the next value would begin. */
function readIndefinite(bytes: Buffer, at: number, depth: number, left: Allowance): BerValue {
  const begin = at + 2;
  const children: BerValue[] = [];
  let next = begin;
  while (byteAt(bytes, next) !== 0 || byteAt(bytes, next + 1) !== 0) {
    const child = readAt(bytes, next, depth + 1, left);
    children.push(child);
    next += child.bytes.length;
  }
  return {
    tag: byteAt(bytes, at),
    bytes: bytes.subarray(at, next + 2),
    content: bytes.subarray(begin, next),
    children,
    isDefinite: false,
  };
}

function readLength(
  bytes: Buffer,
  at: number,
  first: number,
): { readonly length: number; readonly headerBytes: number } {
  if (first < INDEFINITE) return { length: first, headerBytes: 1 };
  const count = first & 0x7f;
  if (count > LENGTH_BYTES) throw new BerError('it has a length that nothing can have');
  let length = 0;
  for (let n = 1; n <= count; n += 1) length = length * 256 + byteAt(bytes, at + n);
  return { length, headerBytes: 1 + count };
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new BerError('it is cut off');
  return byte;
}

/** @throws BerError when the value is missing or has another tag */
export function expectTag(value: BerValue | undefined, tag: number, what: string): BerValue {
  if (value?.tag !== tag) throw new BerError(`${what} is not where it should be`);
  return value;
}

/** The bytes of an octet string, also of one that is cut into pieces. @throws BerError */
export function octetsOf(value: BerValue, what: string): Buffer {
  if (value.tag === TAG.octetString) return value.content;
  if (value.tag !== TAG.constructedOctetString) throw new BerError(`${what} is no octet string`);
  return Buffer.concat(value.children.map((piece) => octetsOf(piece, what)));
}

/** An object identifier as text, such as `1.2.840.113549.1.7.2`. @throws BerError */
export function objectIdentifierOf(value: BerValue | undefined, what: string): string {
  const { content } = expectTag(value, TAG.objectIdentifier, what);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new BerError(`${what} has a number that is too large`);
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first, ...rest] = arcs;
  if (first === undefined || ((content.at(-1) ?? 0) & 0x80) !== 0) throw new BerError(`${what} is cut off`);
  // The first number holds two arcs, of which the first is 0, 1 or 2 (X.690, 8.19.4).
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}
