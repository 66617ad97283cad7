import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createPrinter,
  escapeUnsafe,
  printable,
  printableLines,
  withoutTerminalSequences,
} from '../../src/system/printable.ts';

const CONTROL = /(?!\n)[\p{Cc}\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff\p{Cs}]/u;
/** As the runners of GitHub and of Azure look for orders: leading blanks count for nothing, and `##` is found anywhere. */
const OBEYED = /^\s*::|##\w*\[/m;

/** Texts in which what is dangerous is common. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['::', ':', '#', '##', '[', '##[error]', '##vso[', '\n', '\r\n', '\r', '\t', ' ', '\u00a0', '\u3000', 'vso'],
        ...[
          '\u001b[31m',
          '\u009b1m',
          '\u001b]0;x\u0007',
          '\u202e',
          '\u2028',
          '\ufeff',
          '\ud800',
          '\u{e0041}',
          '\\',
          '"',
        ],
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('what strangers wrote', () => {
  test('keeps no control character but the line break, and no line that a build server takes for a command', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printableLines(text)).not.toMatch(CONTROL);
        expect(printableLines(text)).not.toMatch(OBEYED);
        expect(printable(text)).not.toMatch(CONTROL);
        expect(printable(text)).not.toMatch(OBEYED);
        expect(printable(text)).not.toContain('\n');
      }),
      { numRuns: 2000 },
    );
  });

  test('is as harmless when it comes in pieces', () => {
    fc.assert(
      fc.property(fc.array(hostile), (pieces) => {
        const print = createPrinter();
        const whole = pieces.map(print).join('');
        expect(whole).not.toMatch(CONTROL);
        expect(whole).not.toMatch(OBEYED);
      }),
      { numRuns: 2000 },
    );
  });

  test('stays the same JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), (value) => {
        expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
        expect(JSON.parse(printableLines(JSON.stringify(value, null, 2)))).toEqual(value);
      }),
    );
  });

  test('is not changed any more when it is made printable once again', () => {
    fc.assert(fc.property(hostile, (text) => printable(printable(text)) === printable(text)));
  });

  test.each([
    ['\u001b[31mred', '\\u001b[31mred'],
    ['a\u202eb', 'a\\u202eb'],
    ['  ::error ::x', '  :\\u003aerror ::x'],
    ['see ##[error]x', 'see ##\\u005berror]x'],
    ['##vso[task.x]', '##vso\\u005btask.x]'],
    ['##teamcity[x]', '##teamcity\\u005bx]'],
    ['one\r\ntwo', 'one\ntwo'],
    ['a\tb', 'a       b'],
    ['é 日本 ✔\ufe0f #1 [x] a::b', 'é 日本 ✔\ufe0f #1 [x] a::b'],
  ])('%j is shown as %j', (text, shown) => {
    expect(printableLines(text)).toBe(shown);
  });

  test('is shown on one line as a name, tabs and line breaks as escapes', () => {
    expect(printable('a\nb\tc')).toBe('a\\u000ab\\u0009c');
    expect(escapeUnsafe('a\nb\tc')).toBe('a\nb\\u0009c');
  });

  test('loses colours, titles and links in a log', () => {
    expect(
      withoutTerminalSequences('\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u001b\\link\u001b]0;t\u0007 \u009b1mx'),
    ).toBe('red link x');
  });
});
