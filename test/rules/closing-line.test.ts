/** The line that a run of all tests ends with, from real runs of the real runner. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

async function runTests(files: Readonly<Record<string, string>>) {
  using scratch = scratchFolder();
  const reporter = `${PROJECT}test/support/closing-line.ts`;
  const config = `import { ClosingLine } from '${reporter}';\nexport default { test: { globals: true, reporters: [new ClosingLine()] } };\n`;
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

test('a file that cannot be loaded counts as failed, and so does a run without any test', async () => {
  const broken = await runTests({ 'a.test.ts': `test('one', () => {});\n`, 'b.test.ts': `import './gone.ts';\n` });
  expect(broken).toMatchObject({ exitCode: 1 });
  expect(broken.lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  const empty = await runTests({});
  expect(empty).toMatchObject({ exitCode: 1 });
  expect(empty.lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
});
