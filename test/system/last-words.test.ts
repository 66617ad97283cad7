import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const MODULE = fileURLToPath(new URL('../../src/system/last-words.ts', import.meta.url));

test.each([
  ['is thrown', 'setImmediate(() => { throw fault; });'],
  ['rejects a promise', 'void Promise.reject(fault);'],
  ['is no Error', 'setImmediate(() => { throw fault.message; });'],
])('a fault that nobody catches and that %s ends the process, and no terminal obeys its words', async (_, throwing) => {
  const script = `
    const { endOnUncaughtFaults } = await import(process.argv[1]);
    endOnUncaughtFaults(70);
    const fault = new Error('\\x1b]0;title\\x07\\x9b31m\\n::error::made up');
    ${throwing}
    setInterval(() => {}, 1000);`;
  const ran = await execa(process.execPath, ['--input-type=module', '-e', script, MODULE], { reject: false });
  expect(ran).toMatchObject({ exitCode: 70 });
  expect(ran.stderr).toContain('made up');
  expect(ran.stderr).not.toMatch(/(?!\n)\p{Cc}|^\s*::/mu);
});
