import { expect, test } from 'vitest';
import { type Entry, find, indexOf } from '../../src/console/search/find.ts';

const entry = (name: string, detail = ''): Entry => ({ kind: 'Host', name, detail, place: { page: 'host', name } });
const names = (found: readonly Entry[]) => found.map(({ name }) => name);

test('names that begin with the text come first, and case does not matter', () => {
  const index = indexOf([entry('my-Web'), entry('WEB-2'), entry('web-1')]);
  expect(names(find(index, 'wEb', 10))).toEqual(['WEB-2', 'web-1', 'my-Web']);
});

test('each word must be found, in the name or beside it', () => {
  const index = indexOf([entry('web-1', 'zone=a'), entry('web-2', 'zone=b')]);
  expect(names(find(index, 'web zone=b', 10))).toEqual(['web-2']);
  expect(find(index, 'web zone=c', 10)).toEqual([]);
  expect(find(index, '  ', 10)).toEqual([]);
});

test('as many are found as are asked for', () => {
  const index = indexOf(Array.from({ length: 100 }, (_, at) => entry(`web-${at}`)));
  expect(find(index, 'web', 5)).toHaveLength(5);
  expect(find(index, '9', 5)).toHaveLength(5);
});
