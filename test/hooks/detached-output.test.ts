import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyDetached, newOutputFile } from '../../src/hooks/detached-output.ts';
import { processesHolding } from '../../src/system/processes.ts';
import { eventually } from '../support/eventually.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

/** A pipe whose only reader is the copier; the descriptor that is given back is the only writer. */
function pipeInto(scratch: ScratchFolder, file: string | null): number {
  const pipe = scratch.at('pipe');
  execFileSync('mkfifo', [pipe]);
  const opener = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const writeEnd = openSync(pipe, 'w');
  const readEnd = openSync(pipe, 'r');
  copyDetached(readEnd, file, []);
  closeSync(readEnd);
  closeSync(opener);
  return writeEnd;
}

test('each line is in the file at once, and the copier ends with the last writer', async () => {
  using scratch = scratchFolder();
  const file = newOutputFile(scratch.at('logs', 'Start-run.sh.stdout')) ?? '';
  const writer = pipeInto(scratch, file);
  for (const text of ['one\n', 'two\n', 'no end']) {
    writeSync(writer, text);
    await eventually(() => readFileSync(file, 'utf8').endsWith(text));
  }
  closeSync(writer);
  await eventually(() => processesHolding('/pipe').length === 0);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\nno end');
});

test('a file that has grown too large makes room, and no byte is lost in between', async () => {
  using scratch = scratchFolder();
  const file = newOutputFile(scratch.at('out')) ?? '';
  const writer = pipeInto(scratch, file);
  const total = 20 * 2 ** 20;
  const block = Buffer.alloc(2 ** 16, 'x');
  for (let written = 0; written < total; written += block.length) writeSync(writer, block);
  closeSync(writer);
  await eventually(() => processesHolding('/pipe').length === 0);
  expect(statSync(`${file}.1`).size).toBeGreaterThanOrEqual(16 * 2 ** 20);
  expect(statSync(`${file}.1`).size + statSync(file).size).toBe(total);
});

test('an output without a file, or whose folder is gone, is read anyway: its writer never meets a broken pipe', async () => {
  using scratch = scratchFolder();
  const nowhere = pipeInto(scratch, null);
  const block = Buffer.alloc(2 ** 20, 'x');
  writeSync(nowhere, block);
  closeSync(nowhere);
  await eventually(() => processesHolding('/pipe').length === 0);
  expect(existsSync('/dev/null')).toBe(true);
  rmSync(scratch.at('pipe'));

  const file = newOutputFile(scratch.at('logs', 'out')) ?? '';
  rmSync(join(file, '..'), { recursive: true });
  const writer = pipeInto(scratch, file);
  for (let n = 0; n < 8; n += 1) writeSync(writer, block);
  closeSync(writer);
  await eventually(() => processesHolding('/pipe').length === 0);
  expect(readdirSync(scratch.path)).toEqual(['pipe']);
});

test('the same name a second time gets a number', () => {
  using scratch = scratchFolder();
  expect(newOutputFile(scratch.at('out'))).toBe(scratch.at('out.log'));
  expect(newOutputFile(scratch.at('out'))).toBe(scratch.at('out.2.log'));
  expect(newOutputFile(scratch.at('out.log', 'below'))).toBeNull();
});
