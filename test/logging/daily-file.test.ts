import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openDailyFile } from '../../src/logging/daily-file.ts';
import { scratchFolder } from '../support/scratch.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const noon = (day: number) => new Date(2026, 0, day, 12).getTime();

describe('a log of a file a day', () => {
  test('begins a new one at the first line after midnight, and keeps seven earlier ones', () => {
    using scratch = scratchFolder();
    let nowMs = noon(1);
    const file = openDailyFile({ folder: scratch.at('log'), name: 'agent', isPrivate: false, now: () => nowMs });
    for (let day = 1; day <= 10; day += 1) {
      nowMs = noon(day);
      file.append(`line of day ${day}\n`);
    }
    file.close();
    expect(readFileSync(scratch.at('log', 'agent.log'), 'utf8')).toBe('line of day 10\n');
    expect(readdirSync(scratch.at('log')).sort()).toEqual([
      ...Array.from({ length: 7 }, (_, n) => `agent.2026010${n + 3}.log`),
      'agent.log',
    ]);
    expect(readFileSync(scratch.at('log', 'agent.20260109.log'), 'utf8')).toBe('line of day 9\n');
  });

  test('goes on with today’s after a restart, and puts yesterday’s aside', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('log'));
    const open = () =>
      openDailyFile({ folder: scratch.at('log'), name: 'agent', isPrivate: false, now: () => noon(5) });
    writeFileSync(scratch.at('log', 'agent.log'), 'before\n');
    utimesSync(scratch.at('log', 'agent.log'), noon(5) / 1000, noon(5) / 1000);
    open().append('after\n');
    expect(readFileSync(scratch.at('log', 'agent.log'), 'utf8')).toBe('before\nafter\n');
    utimesSync(scratch.at('log', 'agent.log'), (noon(5) - DAY_MS) / 1000, (noon(5) - DAY_MS) / 1000);
    open().append('next\n');
    expect(readFileSync(scratch.at('log', 'agent.log'), 'utf8')).toBe('next\n');
    expect(readFileSync(scratch.at('log', 'agent.20260104.log'), 'utf8')).toBe('before\nafter\n');
  });

  test('leaves other files alone, and never overwrites an earlier day', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('log'));
    for (const name of ['other.20200101.log', 'agent.notes.log', 'agent.20260105.log']) {
      writeFileSync(scratch.at('log', name), 'kept\n');
    }
    let nowMs = noon(5);
    const file = openDailyFile({ folder: scratch.at('log'), name: 'agent', isPrivate: false, now: () => nowMs });
    file.append('today\n');
    nowMs = noon(6);
    file.append('tomorrow\n');
    expect(readdirSync(scratch.at('log')).sort()).toEqual([
      'agent.20260105.1.log',
      'agent.20260105.log',
      'agent.log',
      'agent.notes.log',
      'other.20200101.log',
    ]);
  });

  test('a log whose folder goes away loses lines and never throws', () => {
    using scratch = scratchFolder();
    let nowMs = noon(1);
    const file = openDailyFile({ folder: scratch.at('log'), name: 'agent', isPrivate: false, now: () => nowMs });
    rmSync(scratch.at('log'), { recursive: true });
    nowMs = noon(2);
    expect(() => file.append('lost\n')).not.toThrow();
    mkdirSync(scratch.at('log'));
    file.append('kept\n');
    expect(readFileSync(scratch.at('log', 'agent.log'), 'utf8')).toBe('kept\n');
  });

  test.each([
    [false, 0o755, 0o644],
    [true, 0o750, 0o640],
  ])('private %s: folder %o, file %o', (isPrivate, folderMode, fileMode) => {
    using scratch = scratchFolder();
    const file = openDailyFile({ folder: scratch.at('log'), name: 'agent', isPrivate, now: () => noon(1) });
    file.append('x\n');
    expect(statSync(scratch.at('log')).mode & 0o777).toBe(folderMode & ~process.umask());
    expect(statSync(scratch.at('log', 'agent.log')).mode & 0o777).toBe(fileMode & ~process.umask());
  });
});
