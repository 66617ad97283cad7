/** The line that a run of all tests ends with, from real runs of the real runner. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

async function runTests(files: Readonly<Record<string, string>>) {
  using scratch = scratchFolder();
  const reporter = `${PROJECT}test/support/closing-line.ts`;
  const config = `import { ClosingLine } from ${JSON.stringify(reporter)};\nexport default { test: { globals: true, reporters: [new ClosingLine()] } };\n`;
  writeFileSync(scratch.at('vitest.config.ts'), config);
  for (const [name, text] of Object.entries(files)) writeFileSync(scratch.at(name), text);
  const vitest = `${PROJECT}node_modules/vitest/vitest.mjs`;
  const { stdout, exitCode } = await execa(process.execPath, [vitest, 'run', '--root', scratch.path], {
    reject: false,
  });
  return { exitCode, lines: stripVTControlCharacters(stdout).trim().split('\n') };
}

test('counts what passed, failed and was skipped, and names what was skipped', async () => {
  const { exitCode, lines } = await runTests({
    'a.test.ts': `test('one', () => {});\ntest('two', () => { expect(1).toBe(2); });\ntest.skip('three', () => {});\n`,
  });
  expect(exitCode).toBe(1);
  expect(lines.slice(-2)).toEqual(['not run here: a.test.ts > three', '1 passed, 1 failed, 1 skipped']);
});

test('a test that is not run says what it needs, whether its name or its body decides that', async () => {
  const needs = `${PROJECT}test/support/needs.ts`;
  const { lines } = await runTests({
    'a.test.ts':
      `import { describeIf, testIf } from ${JSON.stringify(needs)};\n` +
      `testIf(false, 'root')('one', () => {});\ntestIf(true, 'root')('two', () => {});\n` +
      `describeIf(false, 'openssl')('three', () => { test('four', () => {}); });\n` +
      `test('five', (context) => context.skip('needs a mount'));\n`,
  });
  expect(lines.slice(-4)).toEqual([
    'not run here: a.test.ts > one (NOT RUN: needs root)',
    'not run here: a.test.ts > three (NOT RUN: needs openssl) > four',
    'not run here: a.test.ts > five (NOT RUN: needs a mount)',
    '1 passed, 0 failed, 3 skipped',
  ]);
});

test('no test is left out without a reason', () => {
  const files = readdirSync(`${PROJECT}test`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const silent = files.filter((name) => {
    const text = readFileSync(`${PROJECT}test/${name}`, 'utf8');
    return /\b(?:describe|test)\.(?:runIf|skipIf)\(/.test(text) || /context\.skip\(\)/.test(text);
  });
  // The one that adds the reason.
  expect(silent).toEqual(['support/needs.ts']);
});

test('a file that cannot be loaded counts as failed, and so does a run without any test', async () => {
  const broken = await runTests({ 'a.test.ts': `test('one', () => {});\n`, 'b.test.ts': `import './gone.ts';\n` });
  expect(broken).toMatchObject({ exitCode: 1 });
  expect(broken.lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  const empty = await runTests({});
  expect(empty).toMatchObject({ exitCode: 1 });
  expect(empty.lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
});
