/** How tests wait. The functions of Vitest give up after a second, which a busy machine takes for anything. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
const IMPATIENT = /\b(?:vi\.wait(?:Until|For)|expect\.poll)\(/;

test('tests wait by `eventually`, which has nearly two minutes', () => {
  const files = globSync('**/*.ts', { cwd: FOLDER });
  expect(files).toContain('support/eventually.ts');
  expect(files.filter((file) => IMPATIENT.test(readFileSync(`${FOLDER}/${file}`, 'utf8')))).toEqual([]);
});
