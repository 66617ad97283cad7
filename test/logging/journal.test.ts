import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createJournal, encodeRecord, isJournal, type JournalRecord, plainLine } from '../../src/logging/journal.ts';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';
import { writeScript } from '../support/scripts.ts';

const AGENT = { identifier: 'codedeploy-agent', pid: 42 };
const record = (fields: JournalRecord['fields'], level = 'info'): JournalRecord => ({
  level,
  line: JSON.stringify({ level, message: 'something', ...fields }),
  fields,
});

describe('a record for the journal', () => {
  test('has the fields that people look for, and goes under the agent’s unit', () => {
    const fields = { deploymentId: 'd-1', commandName: 'Install', errorCode: 4, error: { code: 'ENOSPC' }, files: 3 };
    const { line } = record(fields, 'warn');
    expect(encodeRecord(record(fields, 'warn'), AGENT)?.split('\n')).toEqual([
      `MESSAGE=${line}`,
      'PRIORITY=4',
      'SYSLOG_IDENTIFIER=codedeploy-agent',
      'OBJECT_PID=42',
      'SLIPWAY_DEPLOYMENT_ID=d-1',
      'SLIPWAY_COMMAND=Install',
      'SLIPWAY_DIAGNOSTIC_CODE=4',
      'SLIPWAY_ERROR_CODE=ENOSPC',
      '',
    ]);
  });

  test('a record without any of them is a plain line with its priority', () => {
    expect(encodeRecord(record({ files: 3 }), AGENT)).toBeNull();
    const priorities = ['error', 'warn', 'info', 'debug'].map((level) => plainLine(record({}, level)).slice(0, 3));
    expect(priorities).toEqual(['<3>', '<4>', '<6>', '<7>']);
  });

  test('cannot bring fields of its own in a value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = encodeRecord(record({ deploymentId: `${text}\n_UID=0`, script: text }), AGENT) ?? '';
        for (const line of encoded.trimEnd().split('\n')) expect(line).toMatch(/^(MESSAGE|PRIORITY|S\w+|OBJECT_PID)=/);
      }),
    );
  });
});

describe('the journal', () => {
  test('is known by the device and the inode that systemd names', () => {
    using scratch = scratchFolder();
    const file = openSync(scratch.at('stream'), 'w');
    const { dev, ino } = fstatSync(file);
    expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, file)).toBe(true);
    expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` }, file)).toBe(false);
    expect(isJournal({}, file)).toBe(false);
    closeSync(file);
    expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, file)).toBe(false);
  });

  test('is given records one after the other, each by a process of its own, in their order', async () => {
    using scratch = scratchFolder();
    const program = writeScript(scratch.at('logger'), `#!/bin/sh\ngrep SLIPWAY_ >> ${scratch.word('taken')}`);
    const lines: string[] = [];
    const journal = createJournal({ ...AGENT, program, writeLine: (line) => lines.push(line) });
    for (let n = 0; n < 10; n += 1) journal.write(record({ deploymentId: `d-${n}` }));
    journal.write(record({ files: 1 }));
    const expected = Array.from({ length: 10 }, (_, n) => `SLIPWAY_DEPLOYMENT_ID=d-${n}\n`).join('');
    // Not by closing: that waits for a second only.
    await eventually(() => existsSync(scratch.at('taken')) && readFileSync(scratch.at('taken'), 'utf8') === expected);
    await journal.close();
    expect(lines).toEqual([plainLine(record({ files: 1 }))]);
  });

  test.each([
    ['is not there', null],
    ['fails', '#!/bin/sh\nexit 1'],
  ])('loses nothing where the program %s: records go the plain way', async (_, program) => {
    using scratch = scratchFolder();
    const path = scratch.at('logger');
    if (program !== null) writeScript(path, program);
    const lines: string[] = [];
    const journal = createJournal({ ...AGENT, program: path, writeLine: (line) => lines.push(line) });
    const records = Array.from({ length: 300 }, (_unused, n) => record({ deploymentId: `d-${n}` }));
    for (const one of records) journal.write(one);
    await journal.close();
    expect(new Set(lines)).toEqual(new Set(records.map(plainLine)));
    expect(lines).toHaveLength(300);
  });

  test('is not waited for when it hangs, and what it has not taken goes the plain way', async () => {
    using scratch = scratchFolder();
    const program = writeScript(scratch.at('logger'), '#!/bin/sh\nexec sleep 600');
    const lines: string[] = [];
    const journal = createJournal({ ...AGENT, program, writeLine: (line) => lines.push(line) });
    for (let n = 0; n < 3; n += 1) journal.write(record({ deploymentId: `d-${n}` }));
    await journal.close();
    expect(lines).toEqual([0, 1, 2].map((n) => plainLine(record({ deploymentId: `d-${n}` }))));
  });
});
