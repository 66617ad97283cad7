import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from './docs.ts';

interface Row {
  readonly behaviour: string;
  readonly proof: string;
}

/** The rows of every table of the page, without their heads. */
function readRows(markdown: string): Row[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (behaviour|promise|---) /.test(line))
    .map((line) => line.slice(2, -2).split(' | '))
    .map((cells) => ({ behaviour: cells[0] ?? '', proof: cells.length === 4 ? (cells[3] ?? '') : '' }));
}

/** The first words of all calls with more arguments: whatever a test may be called is among them. */
function titlesIn(source: string): ReadonlySet<string> {
  const calls = source.matchAll(/\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`),/g);
  return new Set([...calls].map(([, single, double, template]) => single ?? double ?? template ?? ''));
}

const REASONS = ['SELinux', 'Windows', 'real AWS', 'a service manager'];
const rows = readRows(readFileSync(join(PROJECT, 'docs/compatibility.md'), 'utf8'));
const untested = rows.filter(({ proof }) => proof.startsWith('cannot be tested here'));

const promises = readRows(readFileSync(join(PROJECT, 'docs/security.md'), 'utf8')).filter(({ proof }) => proof !== '');

describe('the page on security', () => {
  test.each(promises)('$behaviour: is held by a test that exists', ({ proof }) => requireTest(proof));

  test('holds every promise of its tables', () => expect(promises.length).toBeGreaterThan(20));
});

/** A row's last cell: a file and the title of a test in it. */
function requireTest(proof: string): void {
  const [, file, title] = /^`([a-z0-9/-]+\.test\.ts|systemd\/systemd\.ts)` › (.+)$/.exec(proof) ?? [];
  expect(file, `'${proof}' names no test`).toBeDefined();
  const path = join(PROJECT, 'test', file ?? '');
  expect(existsSync(path), `${file} does not exist`).toBe(true);
  expect([...titlesIn(readFileSync(path, 'utf8'))]).toContain(title);
}

describe('the page on compatibility', () => {
  test.each(rows.filter((row) => !untested.includes(row)))('$behaviour: is shown by a test that exists', ({ proof }) =>
    requireTest(proof),
  );

  test('says of few rows that they cannot be tested here, and why', () => {
    for (const { proof } of untested) expect(REASONS).toContain(proof.replace('cannot be tested here: ', ''));
    expect(untested.length).toBeLessThanOrEqual(6);
    expect(rows.length).toBeGreaterThan(100);
  });
});
