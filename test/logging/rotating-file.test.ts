import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRotatingFile } from '../../src/logging/rotating-file.ts';
import { scratchFolder } from '../support/scratch.ts';

const noFault = (error: unknown) => expect.fail(String(error));

describe('a rotating log file', () => {
  test('makes its folder, and goes on where it was left', () => {
    using scratch = scratchFolder();
    for (const text of ['one\n', 'two\n']) {
      const file = openRotatingFile(scratch.at('logs/scripts.log'), noFault);
      file.append(text);
      file.close();
    }
    expect(readFileSync(scratch.at('logs/scripts.log'), 'utf8')).toBe('one\ntwo\n');
  });

  test('keeps so many files of so many bytes, the newest without a number', () => {
    using scratch = scratchFolder();
    const file = openRotatingFile(scratch.at('scripts.log'), noFault, { maxBytes: 10, files: 3 });
    for (let n = 1; n <= 9; n += 1) file.append(`line${n}\n`);
    file.close();
    expect(readdirSync(scratch.path).sort()).toEqual(['scripts.log', 'scripts.log.1', 'scripts.log.2']);
    expect(readFileSync(scratch.at('scripts.log'), 'utf8')).toBe('line9\n');
    expect(readFileSync(scratch.at('scripts.log.1'), 'utf8')).toBe('line8\n');
    expect(readFileSync(scratch.at('scripts.log.2'), 'utf8')).toBe('line7\n');
  });

  test('never cuts a line, even one that is longer than a file may be', () => {
    using scratch = scratchFolder();
    const file = openRotatingFile(scratch.at('scripts.log'), noFault, { maxBytes: 10, files: 3 });
    file.append('a first line of more than ten bytes\n');
    expect(existsSync(scratch.at('scripts.log.1'))).toBe(false);
    file.append('a line of more than ten bytes\n');
    file.append('b\n');
    file.close();
    expect(readFileSync(scratch.at('scripts.log.2'), 'utf8')).toBe('a first line of more than ten bytes\n');
    expect(readFileSync(scratch.at('scripts.log.1'), 'utf8')).toBe('a line of more than ten bytes\n');
    expect(readFileSync(scratch.at('scripts.log'), 'utf8')).toBe('b\n');
  });

  test('counts what was there before', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('scripts.log'), 'old line\n');
    const file = openRotatingFile(scratch.at('scripts.log'), noFault, { maxBytes: 10, files: 3 });
    file.append('new\n');
    file.close();
    expect(readFileSync(scratch.at('scripts.log.1'), 'utf8')).toBe('old line\n');
  });

  test('a rotating log file that cannot be written says so once and lets the event go on', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('scripts.log'));
    const faults: unknown[] = [];
    const file = openRotatingFile(scratch.at('scripts.log'), (error) => faults.push(error));
    file.append('one\n');
    file.append('two\n');
    file.close();
    expect(faults).toEqual([expect.objectContaining({ code: 'EISDIR' })]);
  });

  test('a rotating log file that cannot be rotated any more says so once', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('scripts.log.1/in the way'), { recursive: true });
    const faults: unknown[] = [];
    const file = openRotatingFile(scratch.at('scripts.log'), (error) => faults.push(error), { maxBytes: 4, files: 2 });
    for (const text of ['one\n', 'two\n', 'three\n']) file.append(text);
    file.close();
    expect(faults).toHaveLength(1);
    expect(existsSync(scratch.at('scripts.log'))).toBe(true);
  });
});
