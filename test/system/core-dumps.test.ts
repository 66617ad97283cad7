import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { changeOfCoreLimit, parseCoreLimit } from '../../src/system/core-dumps.ts';
import { testIf } from '../support/needs.ts';

const MODULE = fileURLToPath(new URL('../../src/system/core-dumps.ts', import.meta.url));

/** A process that began with this limit sets its own, and starts another one, which says what it has. */
function limitsAfter(disabled: boolean, before: string): string {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { limitCoreDumps } from ${JSON.stringify(MODULE)};
    await limitCoreDumps(${disabled}, (why) => console.log('fault: ' + why));
    process.stdout.write(execFileSync('/bin/cat', ['/proc/self/limits'], { encoding: 'utf8' }));
  `;
  const args = [`--core=${before}`, process.execPath, '--input-type=module', '-e', program];
  return execFileSync('prlimit', args, { encoding: 'utf8' });
}

/** Nobody but root may raise the hard limit, which sudo and containers set to 0. */
const mayLimit = spawnSync('prlimit', ['--core=4096:8192', 'true']).status === 0;
const testLimited = testIf(mayLimit, 'a hard limit of core dumps of 8192 bytes or more');

describe('core dumps', () => {
  testLimited(
    'core dumps of the agent and of what it starts are off, and may be asked for again by an application',
    () => {
      expect(parseCoreLimit(limitsAfter(true, '4096:4096'))).toEqual({ soft: '0', hard: '4096' });
    },
  );
  testLimited('are on as far as the hard limit goes where they are wanted', () => {
    expect(parseCoreLimit(limitsAfter(false, '0:8192'))).toEqual({ soft: '8192', hard: '8192' });
    expect(parseCoreLimit(limitsAfter(false, '0:0'))).toEqual({ soft: '0', hard: '0' });
  });
  test.each([
    ['0', 'unlimited', true, null],
    ['unlimited', 'unlimited', true, '0:'],
    ['0', 'unlimited', false, 'unlimited:'],
    ['4096', 'unlimited', false, null],
    ['0', '0', false, null],
  ] as const)('limited to %s of %s, disabled %s: prlimit is told %s', (soft, hard, disabled, change) => {
    expect(changeOfCoreLimit({ soft, hard }, disabled)).toBe(change);
  });
});
