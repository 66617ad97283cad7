import { expect, test } from 'vitest';
import { isLong, isSubjectless } from './faults.ts';
import { roomOf } from './room.ts';
import { sentencesOf } from './sentences.ts';

const texts = (name: string, text: string) => sentencesOf(name, text).map(({ kind, line, text }) => [kind, line, text]);

test('the sentences of doc comments, of other comments and of test names are told apart, with their lines', () => {
  const source = [
    '/**',
    ' * Reads a file, e.g. this one.',
    ' * Fails when it is not there.',
    ' *',
    ' * @param path where the file is',
    ' * @returns its text',
    ' */',
    'read(path); // not looked at: code stands before it',
    '// biome-ignore lint: a mark for a tool',
    '// One thought. Another',
    '// over two lines.',
    "test('a file that is not there is told', () => {",
    "])('a case that is %s is told', (name) => {",
  ].join('\n');
  expect(texts('a.test.ts', source)).toEqual([
    ['doc', 2, 'Reads a file, e.g. this one.'],
    ['doc', 2, 'Fails when it is not there.'],
    ['doc', 5, 'where the file is'],
    ['doc', 6, 'its text'],
    ['comment', 10, 'One thought.'],
    ['comment', 10, 'Another over two lines.'],
    ['test name', 12, 'a file that is not there is told'],
    ['test name', 13, 'a case that is %s is told'],
  ]);
});

test('a sentence ends before one that begins with code, and at a bold heading, but not at an abbreviation or before code after a colon', () => {
  expect(texts('a.md', '**Files.** They are read.')).toHaveLength(2);
  expect(texts('a.md', 'It copies files. `slipway plan` shows them, e.g. `a.txt`, and this: `b.txt`.\n')).toEqual([
    ['page', 1, 'It copies files.'],
    ['page', 1, '`slipway plan` shows them, e.g. `a.txt`, and this: `b.txt`.'],
  ]);
});

test('paragraphs and list items of a page are read, and not code, tables, headings or generated parts', () => {
  const page =
    '# Head\nOne line\nand its end.\n\n- First. Second.\n```\nls # Of a list\n```\n| a | b |\n<!-- generated: x -->\nNo.\n<!-- end: x -->\n';
  expect(texts('a.md', page)).toEqual([
    ['page', 2, 'One line and its end.'],
    ['page', 5, 'First.'],
    ['page', 5, 'Second.'],
  ]);
});

test.each([
  ['doc', 'Of a path, its end not counted.', true],
  ['doc', 'To be asked again.', true],
  ['doc', 'Offers a path.', false],
  ['page', 'To install it, run this.', false],
  ['comment', 'By then it is gone.', false],
] as const)('a %s that reads %j begins without a subject: %s', (kind, text, expected) => {
  expect(isSubjectless({ kind, line: 1, text })).toBe(expected);
});

test('a sentence of 25 words is not too long, one of 26 is, and code in backquotes is one word', () => {
  const of = (words: number) =>
    ({ kind: 'page', line: 1, text: Array.from({ length: words }, () => 'word').join(' ') }) as const;
  expect(isLong(of(25))).toBe(false);
  expect(isLong(of(26))).toBe(true);
  expect(isLong({ ...of(24), text: `${of(24).text} \`a b c d\`` })).toBe(false);
});

test.each([
  ['README.md', '.'],
  ['docs/api.md', 'docs'],
  ['src/errors.ts', 'src'],
  ['src/install/plan.ts', 'src/install'],
  ['src/server/main.ts', 'src/server'],
  ['src/server/store/a.ts', 'src/server/store'],
  ['test/server/api/operations/a.test.ts', 'test/server'],
])('%s belongs to the room %s', (file, room) => {
  expect(roomOf(file)).toBe(room);
});
