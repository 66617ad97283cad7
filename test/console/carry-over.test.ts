/** An edit of a value of which a form shows a part only. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { carryOver } from '../../src/console/pages/group-form/carry-over.ts';

/** A value, and what a form shows of it: the members whose names it knows, and so many entries of each list. */
const SHOWN = ['name', 'list', 'inner'];
const MOST_SHOWN = 1;

function shownOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, MOST_SHOWN).map(shownOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => SHOWN.includes(name))
      .map(([name, member]) => [name, shownOf(member)]),
  );
}

const { value: VALUE } = fc.letrec((tie) => ({
  value: fc.record(
    {
      name: fc.constantFrom('a', 'b'),
      hidden: fc.constantFrom('x', 'y'),
      list: fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
      inner: tie('value'),
    },
    { requiredKeys: ['name', 'hidden'] },
  ),
}));

test('an edit that changes nothing leaves the value as it is', () => {
  fc.assert(
    fc.property(VALUE, (value) => {
      expect(carryOver(value, shownOf(value), shownOf(value))).toEqual(value);
    }),
  );
});

test('after an edit the form shows what the person has made of it, and the rest is as it was', () => {
  fc.assert(
    fc.property(VALUE, fc.string({ minLength: 2, maxLength: 5 }), (value, name) => {
      const whole = value as Record<string, unknown>;
      const before = shownOf(value) as Record<string, unknown>;
      const edited = carryOver(whole, before, { ...before, name });
      expect(shownOf(edited)).toEqual({ ...before, name });
      expect(edited).toEqual({ ...whole, name });
    }),
  );
});

test('an entry that was not edited keeps what is hidden of it when an entry before it is removed', () => {
  const whole = [
    { name: 'a', hidden: 1 },
    { name: 'b', hidden: 2 },
  ];
  const before = [{ name: 'a' }, { name: 'b' }];
  expect(carryOver(whole, before, [{ name: 'b' }])).toEqual([{ name: 'b', hidden: 2 }]);
});

test('a shown member that was taken away is gone, and a hidden one stays', () => {
  expect(
    carryOver({ action: 'WAIT', minutes: 5, hidden: 1 }, { action: 'WAIT', minutes: 5 }, { action: 'GO' }),
  ).toEqual({
    ...{ action: 'GO', hidden: 1 },
  });
});
