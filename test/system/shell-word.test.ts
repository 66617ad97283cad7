import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { printable } from '../../src/system/printable.ts';
import { quoteForShell, shellCommand } from '../../src/system/shell-word.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** The words that a shell makes of a command line. */
function wordsOf(shell: string, commandLine: string, env: NodeJS.ProcessEnv = process.env): string[] {
  const script = `for word in ${commandLine}; do printf '%s\\0' "$word"; done`;
  return execFileSync(shell, ['-c', script], { encoding: 'utf8', env }).split('\0').slice(0, -1);
}

const WORDS = [
  'plain/path.d/x-1',
  '/srv/my site/app',
  "/srv/it's/here",
  '/srv/"quoted"/$HOME/`id`/\\n',
  '-x',
  '~root',
  '*',
  'a;b&c|d>e<f(g)h#i!j',
  'größe/世界/🚀',
  '',
];

describe('a command that people are advised to type', () => {
  test.each(WORDS)('has %j as one word in any shell, and shows it as it is', (word) => {
    const command = shellCommand('slipway', word, 'end');
    expect(wordsOf('sh', command)).toEqual(['slipway', word, 'end']);
    expect(printable(command)).toBe(command);
    expect(quoteForShell(word)).toBe(command.slice('slipway '.length, -' end'.length));
  });

  test.each([
    'two\nlines',
    "tab\tand it's \\ a backslash",
    'turned \u202eround',
    'clear \u001b[2J the screen',
    'hidden \u{e0041} tag 2\u200b3',
    '##vso[task.complete]',
  ])('has %j as one word in bash, and shows no terminal and no build server what it would obey', (word) => {
    const command = shellCommand('slipway', word);
    expect(printable(command)).toBe(command);
    for (const locale of ['C', 'C.UTF-8']) {
      expect(wordsOf('bash', command, { ...process.env, LC_ALL: locale })).toEqual(['slipway', word]);
    }
  });

  test('is quoted wherever the sources put a name or a path into one', () => {
    const unquoted =
      /\b(slipway [a-z-]+|chown|chmod|mount|mkdir|du|rm|cp|mv|export|chattr|setfacl) [^`'":]*\$\{(?!shell)/;
    const found = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        readFileSync(join(SRC, file), 'utf8')
          .split('\n')
          .filter((line) => unquoted.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });
});
