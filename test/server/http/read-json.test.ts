import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJson } from '../../../src/server/http/read-json.ts';

const read = (text: string) => readJson(Buffer.from(text));
const refusedFor = (text: string, why: RegExp) =>
  expect(() => read(text), text.slice(0, 100)).toThrow(
    expect.objectContaining({ type: 'SerializationException', message: expect.stringMatching(why) }),
  );

describe('the body of a call', () => {
  test.each([
    ['on top', '{"a":1,"a":2}', /the member "a" more than once/],
    ['with the same value', '{"a":1,"a":1}', /"a"/],
    ['with others between', '{"a":1,"b":[{"a":2}],"c":{"a":3},"a":4}', /"a"/],
    ['in a nested object', '{"x":{"a":1,"a":2}}', /"a"/],
    ['in an object of a list', '{"x":[{"b":1},{"a":1,"b":2,"a":3}]}', /"a"/],
    ['written with an escape', '{"name":1,"n\\u0061me":2}', /"name"/],
    ['behind a text that ends with a backslash', '{"a":"\\\\","b":"\\"","a":2}', /"a"/],
    ['behind blanks', '{ "a" : 1 ,\n\t"a"\r\n: 2 }', /"a"/],
    ['that is empty', '{"":1,"":2}', /""/],
    ['called __proto__', '{"__proto__":1,"__proto__":2}', /"__proto__"/],
    ['called constructor', '{"constructor":1,"constructor":2}', /"constructor"/],
  ])('the body of a call with a member %s twice is refused by its name', (_, text, why) => refusedFor(text, why));

  test.each([
    ['{"a":1,"A":2}'],
    ['{"a":{"a":{"a":1}},"b":{"a":1}}'],
    ['{"x":[{"a":1},{"a":2}]}'],
    ['{"a":"a","b":"a","c":["a","a"],"d":"\\"a\\":1,\\"a\\":2"}'],
    ['{"a":"{","b":"}","c":"[","d":","}'],
    ['{"constructor":1,"toString":2,"hasOwnProperty":3}'],
    ['\ufeff{"a":1}'],
  ])('in which no object has a name twice is read: %s', (text) => {
    expect(read(text)).toEqual(JSON.parse(text.replace(/^\ufeff/, '')));
  });

  test('the body of a call that any JSON writer has written is read as it was meant', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value);
        expect(read(text)).toEqual(JSON.parse(text));
        expect(() => read(`{"outer":[1,{"x":${text},"y":2,"x":3}]}`)).toThrow(/"x"/);
      }),
    );
  });

  test.each([
    ['nothing of JSON', '<x/>', /is not JSON/],
    ['something behind it', '{}{}', /is not JSON/],
    ['a list', '[]', /must be a JSON object/],
    ['null', 'null', /must be a JSON object/],
    ['a text', '"{}"', /must be a JSON object/],
    ['objects in objects without an end', '{"a":'.repeat(100_000) + 1 + '}'.repeat(100_000), /nested deeper than 64/],
    ['lists in lists without an end', `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, /nested deeper than 64/],
  ])('the body of a call that is %s is refused', (_, text, why) => refusedFor(text, why));

  test('the body of a call that is no UTF-8 is refused, and an empty one has no members', () => {
    expect(() => readJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(/is not JSON/);
    expect(readJson(Buffer.alloc(0))).toEqual({});
  });

  test('the body of a call of the largest size is read in a moment, whatever it is made of', () => {
    const size = 1_000_000;
    const names = `{${Array.from({ length: size / 12 }, (_, n) => `"n${n}":1`).join()}}`;
    const list = `{"a":[${'{},'.repeat(size / 3)}{}]}`;
    const text = `{"a":"${'\\"'.repeat(size / 2)}"}`;
    const startedMs = performance.now();
    for (const body of [names, list, text]) read(body);
    // A square would take minutes; the rest is for a busy machine.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
