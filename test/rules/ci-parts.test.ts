/** `.ci/parts` with an `npm` that only says what it was asked for, and fails where a test wants it to. */
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';

const PARTS = fileURLToPath(new URL('../../.ci/parts', import.meta.url));
/** Two lines with a pause between them: what other parts say meanwhile must not come in between. */
const NPM = `#!/usr/bin/env bash
echo "begin $*"
sleep 0.0$((RANDOM % 9))
[ "$*" != test ] || echo '7 passed, 0 failed, 1 skipped'
echo "end $*"
case ",$FAILING," in *",$*,"*) exit 3;; esac
`;
const ASKED = [
  'ci',
  'test',
  'run test:crash',
  'run test:systemd',
  'run test:fleet -- --json',
  'run test:doctor -- --json',
  'run test:attack -- --json',
  'run test:s3 -- --json',
  'run check',
  'run docs:site',
  'run test:docs',
  'run demo',
];

async function runParts(failing: string) {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('.ci'));
  cpSync(PARTS, scratch.at('.ci/parts'));
  writeFileSync(scratch.at('npm'), NPM);
  chmodSync(scratch.at('npm'), 0o755);
  const env = { PATH: `${scratch.path}:${process.env['PATH']}`, FAILING: failing };
  const { exitCode, stdout, stderr } = await execa(scratch.at('.ci/parts'), { env, reject: false });
  const asked = [...stdout.matchAll(/^begin (.*)\nend|^begin (test)$/gm)].map(([, one, other]) => one ?? other);
  return { exitCode, asked: asked.sort(), lines: stdout.split('\n'), stderr };
}

test('every part of the checks runs, its output stays together, and the tests’ count is the last line', async () => {
  const { exitCode, asked, lines, stderr } = await runParts('');
  expect(asked).toEqual([...ASKED].sort());
  expect(lines.at(-1)).toBe('7 passed, 0 failed, 1 skipped');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
});

test.each([
  ['tests', 'test'],
  ['a server and hosts as machines', 'run test:fleet -- --json'],
  ['demo', 'run demo'],
])('a failure of the part %s is named in the last lines, and the other parts run', async (name, words) => {
  const { exitCode, asked, stderr } = await runParts(words);
  expect(asked).toEqual([...ASKED].sort());
  expect(stderr).toBe(`== failed: the first was ${name} (exit status 3)\n   ${name} (exit status 3)`);
  expect(exitCode).toBe(1);
});

test('all parts that fail are named', async () => {
  const { exitCode, stderr } = await runParts('run check,test');
  expect(stderr.split('\n')).toEqual([
    '== failed: the first was tests (exit status 3)',
    '   tests (exit status 3)',
    '   checks (exit status 3)',
  ]);
  expect(exitCode).toBe(1);
});

test('packages that cannot be installed end the checks at once', async () => {
  const { exitCode, asked, stderr } = await runParts('ci');
  expect(asked).toEqual(['ci']);
  expect(stderr).toContain('packages (exit status 3)');
  expect(exitCode).toBe(1);
});
