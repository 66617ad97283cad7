import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blocksOf, commandsOf } from './blocks.ts';
import { GUIDES } from './guides.ts';
import { ELSEWHERE, REFERENCE_PAGES } from './reference.ts';
import { PROJECT } from './run-reference.ts';

test('blocks are found with their language and line, also in a list, and a continued command is one', () => {
  const page =
    '1. Do:\n\n   ```sh\n   a b \\\n     c\n   e   # why\n\n   # only words\n   d "#1"\n   ```\n\n```yaml\nx: 1\n```\n';
  expect(blocksOf(page).map(({ language, line }) => [language, line])).toEqual([
    ['sh', 4],
    ['yaml', 13],
  ]);
  expect(commandsOf(page)).toEqual([
    { line: 4, text: 'a b c' },
    { line: 6, text: 'e' },
    { line: 9, text: 'd "#1"' },
  ]);
});

test('every page with commands is followed by a program, or the table says why not', () => {
  const files = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(PROJECT, 'docs')).map((name) => `docs/${name}`)];
  const withCommands = files.filter(
    (file) => file.endsWith('.md') && commandsOf(readFileSync(join(PROJECT, file), 'utf8')).length > 0,
  );
  const known = [...REFERENCE_PAGES, ...GUIDES].map(({ file }) => file).concat(Object.keys(ELSEWHERE));
  expect([...new Set(known)].sort()).toEqual(withCommands.sort());
});
