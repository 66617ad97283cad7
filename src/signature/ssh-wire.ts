/** The SSH wire format: numbers, and strings behind their lengths. Pure. @see RFC 4251, section 5 */

/** Bytes that are not what their format says; its message says what is wrong with them. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** Takes one value after the other from bytes of unknown hand; each throws Malformed where the bytes end too early. */
export interface WireReader {
  bytes(count: number): Buffer;
  uint8(): number;
  uint32(): number;
  uint64(): bigint;
  string(): Buffer;
  text(): string;
  /** A positive number without leading zeros. */
  mpint(): Buffer;
  isAtEnd(): boolean;
  /** @throws Malformed when something is left */
  end(): void;
}

export function wireReader(buffer: Buffer): WireReader {
  let at = 0;
  const reader: WireReader = {
    bytes(count) {
      if (count > buffer.length - at) throw new Malformed('it ends too early');
      at += count;
      return buffer.subarray(at - count, at);
    },
    uint8: () => reader.bytes(1).readUInt8(),
    uint32: () => reader.bytes(4).readUInt32BE(),
    uint64: () => reader.bytes(8).readBigUInt64BE(),
    string: () => reader.bytes(reader.uint32()),
    text: () => reader.string().toString('utf8'),
    mpint() {
      const number = reader.string();
      if (number.length === 0 || (number[0] ?? 0) >= 0x80) throw new Malformed('a number in it is not positive');
      const first = number.findIndex((byte) => byte !== 0);
      return first < 0 ? number.subarray(0, 0) : number.subarray(first);
    },
    isAtEnd: () => at === buffer.length,
    end() {
      if (at < buffer.length) throw new Malformed(`${buffer.length - at} bytes too many are in it`);
    },
  };
  return reader;
}

export function wireString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** For messages: words of unknown hand, short and without anything that could pass for a line of a log. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

/** Base64 as it should be: nothing but its letters, and the right number of them. @throws Malformed */
export function decodeBase64(text: string): Buffer {
  const decoded = Buffer.from(text, 'base64');
  if (text === '' || decoded.toString('base64') !== text) throw new Malformed('it is no base64');
  return decoded;
}
