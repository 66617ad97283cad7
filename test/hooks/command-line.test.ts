import { execaSync } from 'execa';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandLineFor } from '../../src/hooks/command-line.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';

test.each([
  [{ runas: null, sudo: false }, false, ['/a/x.sh']],
  [{ runas: null, sudo: true }, false, ['sudo', '/a/x.sh']],
  [{ runas: 'web', sudo: false }, false, ['su', 'web', '-c', '/a/x.sh']],
  [{ runas: 'web', sudo: true }, false, ['sudo', 'su', 'web', '-c', '/a/x.sh']],
  [{ runas: null, sudo: false }, true, ['/bin/sh', '/a/x.sh']],
  [{ runas: null, sudo: true }, true, ['sudo', '/bin/sh', '/a/x.sh']],
  [{ runas: 'web', sudo: false }, true, ['su', 'web', '-c', '/bin/sh /a/x.sh']],
] as const)('%o, without #!: %s', (hook, isShellScript, words) => {
  const { file, args } = commandLineFor(hook, '/a/x.sh', isShellScript);
  expect([file, ...args]).toEqual(words);
});

test('a path with blanks and quotes reaches su as one word', () => {
  const { args } = commandLineFor({ runas: 'web', sudo: false }, "/a b/it's $HOME.sh", false);
  expect(args).toEqual(['web', '-c', "'/a b/it'\\''s $HOME.sh'"]);
});

test('whatever is quoted, a shell takes as it was', () => {
  const word = fc
    .string({ unit: 'binary', maxLength: 30 })
    .filter((text) => !text.includes('\0') && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      const script = `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`;
      const { stdout } = execaSync('/bin/sh', ['-c', script], { stripFinalNewline: false });
      expect(stdout).toBe(words.map((text) => `${text}\0`).join(''));
    }),
    { numRuns: 30 },
  );
});
