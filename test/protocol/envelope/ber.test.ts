import * as asn1js from 'asn1js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BerError,
  type BerValue,
  objectIdentifierOf,
  octetsOf,
  readBer,
  TAG,
} from '../../../src/protocol/envelope/ber.ts';
import { DER, der, derObjectIdentifier } from '../../../src/protocol/envelope/der.ts';

/** A value as nested arrays of tags and bytes. */
type Shape = readonly [number, string | readonly Shape[]];

const shapeOf = ({ tag, content, children }: BerValue): Shape =>
  (tag & 0x20) === 0 ? [tag, content.toString('hex')] : [tag, children.map(shapeOf)];

/** Where asn1js sees the end of the first value; null: it refuses it. Some it refuses by throwing, such as a time of no characters. */
function endByOther(bytes: Uint8Array): number | null {
  try {
    const { offset } = asn1js.fromBER(Uint8Array.from(bytes));
    return offset === -1 ? null : offset;
  } catch {
    return null;
  }
}

const values = fc.letrec<{ value: Buffer }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.uint8Array({ maxLength: 300 }).map((bytes) => der(DER.octetString, bytes)),
    fc
      .tuple(fc.constantFrom(DER.sequence, DER.set, DER.context0), fc.array(tie('value'), { maxLength: 4 }))
      .map(([tag, inside]) => der(tag, ...inside)),
  ),
})).value;

describe('reading BER', () => {
  test('gives back the bytes of any value that was written, and its parts in order', () => {
    fc.assert(
      fc.property(values, fc.uint8Array({ maxLength: 5 }), (written, following) => {
        const value = readBer(Buffer.concat([written, following]));
        expect(value.bytes.equals(written)).toBe(true);
        const parts = value.children.map(({ bytes }) => bytes);
        if ((value.tag & 0x20) !== 0) expect(Buffer.concat(parts).equals(value.content)).toBe(true);
      }),
    );
  });

  test('reading BER of a value that is cut off anywhere fails', () => {
    fc.assert(
      fc.property(values, fc.nat(), (written, at) => {
        expect(() => readBer(written.subarray(0, at % written.length))).toThrow(BerError);
      }),
    );
  });

  test('reading BER of any bytes ends with a value or a BerError, and reads nothing that another library reads otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let value: BerValue;
        try {
          value = readBer(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BerError);
          return;
        }
        const end = endByOther(bytes);
        if (end !== null) expect(end).toBe(value.bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  test('puts an octet string together that is cut into pieces of indefinite length', () => {
    const pieces = ['one ', 'two ', 'three'].map((text) => der(DER.octetString, Buffer.from(text)));
    const written = Buffer.concat([Buffer.of(TAG.constructedOctetString, 0x80), ...pieces, Buffer.of(0, 0)]);
    const value = readBer(written);
    expect(value.isDefinite).toBe(false);
    expect(octetsOf(value, 'it').toString()).toBe('one two three');
    expect(shapeOf(value)[1]).toHaveLength(3);
  });

  test.each([
    ['indefinite length in a primitive value', [0x04, 0x80, 0, 0]],
    ['a tag of several bytes', [0x1f, 0x81, 0x01, 0]],
    ['a length of five bytes', [0x04, 0x85, 0, 0, 0, 0, 1, 7]],
    ['a child that is longer than its parent', [0x30, 0x03, 0x04, 0x05, 1]],
    ['an end of contents that never comes', [0x30, 0x80, 0x05, 0x00]],
  ])('fails with %s', (_, bytes) => {
    expect(() => readBer(Uint8Array.from(bytes))).toThrow(BerError);
  });

  test('reading BER of values that lie too deep in each other fails, with definite and indefinite lengths', () => {
    let definite: Buffer = der(DER.null);
    for (let n = 0; n < 60; n += 1) definite = der(DER.sequence, definite);
    expect(() => readBer(definite)).toThrow(/deep/);
    expect(() => readBer(Buffer.alloc(200, Buffer.of(0x30, 0x80)))).toThrow(/deep/);
  });

  test('reading BER of more values than any envelope has fails, long before they fill the memory', () => {
    const many = Buffer.alloc(4 * 2 ** 20, Buffer.of(0x05, 0x00));
    expect(() => readBer(der(DER.sequence, many))).toThrow('it has more than 20000 values');
    expect(() => readBer(Buffer.concat([Buffer.of(0x30, 0x80), many, Buffer.of(0, 0)]))).toThrow(BerError);
    expect(readBer(der(DER.sequence, many.subarray(0, 2 * 19_000))).children).toHaveLength(19_000);
  });
});

describe('an object identifier', () => {
  test.each(['0.9.2342', '1.2.840.113549.1.7.2', '2.5.29.15', '2.16.840.1.101.3.4.2.1', '2.999.3', '1.39', '2.40.1'])(
    '%s is read as it was written',
    (id) => {
      expect(objectIdentifierOf(readBer(derObjectIdentifier(id)), 'it')).toBe(id);
    },
  );

  test.each([
    ['empty', [0x06, 0x00]],
    ['cut off within a number', [0x06, 0x02, 0x2a, 0x86]],
    ['with a number that no double holds', [0x06, 0x0a, 0x2a, 255, 255, 255, 255, 255, 255, 255, 255, 0x7f]],
  ])('an object identifier that is %s is refused', (_, bytes) => {
    expect(() => objectIdentifierOf(readBer(Uint8Array.from(bytes)), 'it')).toThrow(BerError);
  });
});
