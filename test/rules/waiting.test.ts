/** How tests wait. The functions of Vitest give up after a second, which a busy machine takes for anything. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
const IMPATIENT = /\b(?:vi\.wait(?:Until|For)|expect\.poll)\(/;

/** Limits of a test, as its last argument or among its options. */
const LIMIT = /^(?: {2}){0,2}\}, ([\d_]+)\);$|^ {2}([\d_]+),\n\);$|', \{\s+timeout: ([\d_]+),?\s+\}, /gm;
const USUAL_LIMIT_MS = 120_000;

test('no test has less time than the usual limit: a slow machine must never be what decides', () => {
  const short = globSync('**/*.test.ts', { cwd: FOLDER }).flatMap((file) =>
    [...readFileSync(`${FOLDER}/${file}`, 'utf8').matchAll(LIMIT)]
      .map((match) => Number(match.slice(1).join('').replaceAll('_', '')))
      .filter((limit) => limit < USUAL_LIMIT_MS)
      .map((limit) => `${file}: ${limit}`),
  );
  expect(short).toEqual([]);
});

test('tests wait by `eventually`, which has nearly two minutes', () => {
  const files = globSync('**/*.ts', { cwd: FOLDER });
  expect(files).toContain('support/eventually.ts');
  expect(files.filter((file) => IMPATIENT.test(readFileSync(`${FOLDER}/${file}`, 'utf8')))).toEqual([]);
});
