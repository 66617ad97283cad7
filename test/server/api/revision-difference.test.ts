/** Differences between two revisions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RevisionFileRecord } from '../../../src/protocol/management/shapes.ts';
import { differenceOf, textDifference } from '../../../src/server/api/revision-difference.ts';

const file = (path: string, crc32: string, mode?: string): RevisionFileRecord => ({
  ...{ path, kind: 'file', sizeBytes: 1, crc32 },
  ...(mode === undefined ? {} : { mode }),
});

test('files are added, removed, changed or the same, whatever the format says of their modes', () => {
  const before = [file('a', '1', '0644'), file('b', '1'), file('c', '1', '0644'), file('d', '1', '0644')];
  const after = [file('a', '2', '0644'), file('c', '1'), file('d', '1', '0755'), file('e', '1')];
  expect(differenceOf(before, after)).toEqual({
    added: [after[3]],
    removed: [before[1]],
    changed: [
      { before: before[0], after: after[0] },
      { before: before[3], after: after[2] },
    ],
    sameCount: 1,
  });
});

test('the steps of a difference lead from one text to the other, and equal texts have none', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 })
    .map((lines) => lines.map((one) => `${one}\n`).join(''));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const steps = textDifference(before, after);
      const side = (left: string) =>
        steps.filter(({ kind }) => kind !== left).flatMap(({ lines }) => lines.map((one) => `${one}\n`));
      expect(side('added').join('')).toBe(before);
      expect(side('removed').join('')).toBe(after);
      if (before === after) expect(steps.every(({ kind }) => kind === 'same')).toBe(true);
    }),
  );
});
