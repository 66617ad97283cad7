/** The machine where nothing is mounted on `/proc`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import { describeIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';

const SYSTEM = fileURLToPath(new URL('../../src/system', import.meta.url));
const NAMESPACES = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];

function withoutProc(...command: string[]) {
  const hide = 'mount -t tmpfs none /proc && exec "$0" "$@"';
  return execaSync('unshare', [...NAMESPACES, 'sh', '-c', hide, ...command], { reject: false });
}

/** What a module's text prints there. */
function printed(script: string, ...args: string[]): string {
  const { stdout, stderr } = withoutProc(process.execPath, '--input-type=module', '-e', script, SYSTEM, ...args);
  expect(stderr).toBe('');
  return stdout;
}

describeIf(!withoutProc('true').failed, 'mount namespaces')('without /proc', () => {
  test('a run of the machine has a name, which each process finds again', () => {
    const script = 'const { bootId } = await import(process.argv[1] + "/boot-id.ts"); console.log(bootId());';
    const first = printed(script);
    expect(first).toMatch(/^began-\d+$/);
    // Two processes may begin on either side of a rounding.
    expect(Math.abs(Number(printed(script).slice(6)) - Number(first.slice(6)))).toBeLessThanOrEqual(1);
  });

  test('a lock of a process that lives is kept, and one of a process that is gone is taken', () => {
    using scratch = scratchFolder();
    const script = `
      const { takeInstanceLock } = await import(process.argv[1] + '/instance-lock.ts');
      const taken = (pid) => new Error('taken by ' + pid);
      try { takeInstanceLock(process.argv[2], taken); console.log('has it'); } catch (error) { console.log(error.message); }`;
    writeFileSync(scratch.at('living'), `${process.pid} 1\n`);
    writeFileSync(scratch.at('gone'), '4194305 1\n');
    expect(printed(script, scratch.at('living'))).toBe(`taken by ${process.pid}`);
    expect(printed(script, scratch.at('gone'))).toBe('has it');
  });
});
