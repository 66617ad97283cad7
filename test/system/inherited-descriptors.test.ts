import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';

const SOURCE = fileURLToPath(new URL('../../src/system/inherited-descriptors.ts', import.meta.url));

/** Descriptors that a program sees, started by a process which itself was started with these descriptors open. */
function seenBelow(opened: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): number[] {
  const code = `import { closeInheritedDescriptors } from ${JSON.stringify(SOURCE)}; import { spawnSync } from 'node:child_process';
    closeInheritedDescriptors(process.argv, process.env);
    const list = 'for fd in /proc/self/fd/*; do echo "\${fd##*/}"; done';
    process.stdout.write(spawnSync('bash', ['-c', list], { encoding: 'utf8' }).stdout);`;
  const shell = `exec "$0" --input-type=module -e "$CODE" -- "$@" ${opened}`;
  const said = execFileSync('bash', ['-c', shell, process.execPath, ...args], {
    env: { PATH: process.env['PATH'], CODE: code, NODE_NO_WARNINGS: '1', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return said.trim().split('\n').map(Number);
}

describeIf(process.platform === 'linux', 'Linux')('descriptors that a process was started with', () => {
  test('go on to none of its programs, however far above the others they are', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('secret'), 'secret');
    const file = scratch.at('secret');
    const seen = seenBelow(`9<"${file}" 40<"${file}" 200<"${file}"`, []);
    expect(seen).toEqual(expect.arrayContaining([0, 1, 2]));
    expect(seen.filter((fd) => [9, 40, 200].includes(fd))).toEqual([]);
  });

  test('stay open where they may be certificates that OpenSSL reads just now', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('ca.pem'), '');
    writeFileSync(scratch.at('secret'), 'secret');
    const opened = `70<"${scratch.at('ca.pem')}" 71<"${scratch.at('secret')}"`;
    const seen = seenBelow(opened, [], { SSL_CERT_FILE: scratch.at('ca.pem') });
    expect(seen.filter((fd) => [70, 71].includes(fd))).toEqual([70]);
  });

  test('stay open where an argument names them', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('bundle'), '');
    const file = scratch.at('bundle');
    const seen = seenBelow(`60<"${file}" 61<"${file}"`, ['/dev/fd/60']);
    expect(seen.filter((fd) => [60, 61].includes(fd))).toEqual([60]);
  });
});
