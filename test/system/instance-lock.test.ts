import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { lockOwner, takeInstanceLock } from '../../src/system/instance-lock.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { scratchFolder } from '../support/scratch.ts';

const PROGRAM = fileURLToPath(new URL('../support/contend-for-lock.ts', import.meta.url));
const ROUNDS = 300;
const taken = (pid: number) => new SlipwayError('AGENT_ALREADY_RUNNING', `taken by ${pid}`);

test('two processes that want a lock all the time, abandoned ones too, never have it together', async () => {
  using scratch = scratchFolder();
  const run = () => execa(process.execPath, [PROGRAM, scratch.path, String(ROUNDS)]);
  const ended = await Promise.all([run(), run()]);
  for (const { stdout } of ended) expect(JSON.parse(stdout)).toEqual({ held: ROUNDS, together: 0 });
  expect(readdirSync(scratch.path).filter((name) => name !== 'lock')).toEqual([]);
}, 60_000);

test('a lock whose owner lives is not to be had; one that a former process of the same PID has left is', () => {
  using scratch = scratchFolder();
  const lockFile = scratch.at('folder', 'lock');
  const lock = takeInstanceLock(lockFile, taken);
  expect(lockOwner(lockFile)).toBe(process.pid);
  lock.release();
  expect(lockOwner(lockFile)).toBe(null);

  writeFileSync(lockFile, `${process.ppid} ${startTimeOf(process.ppid)}`);
  expect(() => takeInstanceLock(lockFile, taken)).toThrow(`taken by ${process.ppid}`);
  writeFileSync(lockFile, `${process.ppid} 1`);
  takeInstanceLock(lockFile, taken).release();
  expect(readdirSync(scratch.at('folder'))).toEqual([]);
});
