import { expect, test } from 'vitest';
import { joinLog, tailOf } from '../../src/console/pages/deployment/log-parts.ts';
import { plainText } from '../../src/console/view/plain-text.ts';

test('parts of a log follow each other, and what is left out between them is named', () => {
  const one = joinLog({ text: '', nextByte: 0 }, { firstByte: 0, text: 'one\n', nextByte: 4 });
  expect(joinLog(one, { firstByte: 4, text: 'two\n', nextByte: 8 })).toEqual({ text: 'one\ntwo\n', nextByte: 8 });
  expect(joinLog(one, { firstByte: 9, text: 'two\n', nextByte: 13 })).toEqual({
    text: 'one\n[5 bytes of the output are not kept]\ntwo\n',
    nextByte: 13,
  });
});

test('a page that is open for long lets the oldest lines go, and goes on from the same position', () => {
  const text = 'a line\n'.repeat(200_000);
  const { text: shown, nextByte } = tailOf({ text, nextByte: 7 });
  expect([shown.length <= 512 * 1024, shown.startsWith('a line\n'), nextByte]).toEqual([true, true, 7]);
});

test('words of strangers are shown without what moves, hides or turns them', () => {
  expect(plainText('\u001b[31mred\u001b[0m\ttab\n\u001b]0;title\u0007x\u202ey\r\u0000')).toBe(
    'red\ttab\nx\\u202ey\\u000d\\u0000',
  );
});
