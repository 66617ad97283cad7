import { describe, expect, test } from 'vitest';
import { pathMatcher } from '../../src/install/path-globs.ts';
import { matchesPatterns } from '../../src/signature/signers.ts';
import { withoutTrailing } from '../../src/system/trailing.ts';
import { wildcardMatcher } from '../../src/system/wildcards.ts';

const STARS = '*a'.repeat(60);
const LONG = 'a'.repeat(100_000);

describe('a pattern with wildcards', () => {
  test.each([
    ['/etc/*', '/etc/passwd', true],
    ['/etc/*', '/etc/a/b', true],
    ['/etc/*', '/etcetera', false],
    ['/etc/*.conf', '/etc/a/b.conf', false],
    ['/etc/**', '/etc/a/b.conf', true],
    ['/srv/**/data', '/srv/data', true],
    ['/srv/**/data', '/srv/a/b/data/file', true],
    ['/srv/**/data', '/srv/mydata', false],
    ['/a?c', '/abc', true],
    ['/a?c', '/a/c', false],
    ['/a.c', '/abc', false],
    ['/**', '/anything/at\nall', true],
    ['/etc/', '/etc', true],
    ['/a**b/c', '/a/x/b/c/d', true],
  ])('%s compared with the path %s: %s', (glob, path, matches) => {
    expect(pathMatcher([glob])(path)).toBe(matches);
  });

  test('takes a text of its length and no other where it has no star', () => {
    const matches = wildcardMatcher([
      { kind: 'text', text: 'a' },
      { kind: 'one', except: 'x' },
    ]);
    expect(['ab', 'a', 'abc', 'ax', ''].map(matches)).toEqual([true, false, false, false, false]);
  });

  test('a pattern with many stars takes no longer for a text made for it', () => {
    const many = 'a'.repeat(5_000);
    expect(pathMatcher([`/${STARS}b`])(`/${many}`)).toBe(false);
    expect(pathMatcher([`/${'**/a'.repeat(60)}/b`])(`/${'x/a/'.repeat(2_000)}`)).toBe(false);
    expect(matchesPatterns(`${STARS}b`, many)).toBe(false);
    expect(matchesPatterns(STARS, many)).toBe(true);
  });
});

test('characters at the end of a text are taken away as often as they stand there', () => {
  expect(['/a//', '//', '', 'a', '/a/b'].map((text) => withoutTrailing(text, '/'))).toEqual([
    '/a',
    '',
    '',
    'a',
    '/a/b',
  ]);
  expect(withoutTrailing(`${LONG}b`, 'a')).toHaveLength(100_001);
});
