import { describe, expect, test } from 'vitest';
import { renderLocation } from '../../src/cli/revision-arguments.ts';
import { renderCsv } from '../../src/cli/view/csv.ts';
import { conclusionLines, eventLine, failureLines, targetLine, waitLines } from '../../src/cli/view/deployment.ts';
import type { TargetRecord } from '../../src/cli/view/records.ts';
import { renderTable } from '../../src/cli/view/table.ts';
import { renderDuration, renderTime } from '../../src/cli/view/time.ts';

const target: TargetRecord = {
  targetId: 'web-1',
  status: 'InProgress',
  lifecycleEvents: [
    { lifecycleEventName: 'ApplicationStop', status: 'Succeeded', startTime: 100, endTime: 101.5 },
    { lifecycleEventName: 'DownloadBundle', status: 'InProgress', startTime: 101.5 },
    { lifecycleEventName: 'BeforeInstall', status: 'Pending' },
    { lifecycleEventName: 'Install', status: 'Pending' },
  ],
};

describe('durations and times', () => {
  test.each([
    [0, '0.0s'],
    [850, '0.8s'],
    [59_999, '59.9s'],
    [61_000, '1m01s'],
    [3_700_000, '1h01m'],
    [-5, '0.0s'],
  ])('%d ms is %s', (ms, text) => {
    expect(renderDuration(ms)).toBe(text);
  });
  test('times are in UTC, and no time is no text', () => {
    expect(renderTime(1_446_744_188.711)).toBe('2015-11-05 17:23:08');
    expect(renderTime(undefined)).toBe('');
  });
});

describe('a target in one line', () => {
  test('names the current event, progress and the time since the first event began', () => {
    expect(targetLine(target, 104_000, 5)).toBe('web-1  InProgress  DownloadBundle    [###.......]  1/4  4.0s');
  });
  test('a target whose events are over shows how long they took, not how long ago', () => {
    const ended = { ...target, status: 'Succeeded', lifecycleEvents: target.lifecycleEvents.slice(0, 1) };
    expect(targetLine(ended, 999_000, 5)).toBe('web-1  Succeeded   ApplicationStop   [##########]  1/1  1.5s');
  });
});

describe('events', () => {
  test('one that is over shows its duration; one that has not begun shows nothing', () => {
    const [stop, , before] = target.lifecycleEvents;
    expect(stop && eventLine(target, stop)).toBe('web-1  ApplicationStop   Succeeded  1.5s');
    expect(before && eventLine(target, before)).toBeNull();
  });
  test('one that failed shows code, message, script and the last words of the log', () => {
    const lines = failureLines({
      lifecycleEventName: 'ValidateService',
      status: 'Failed',
      diagnostics: { errorCode: 'ScriptFailed', scriptName: 'check.sh', message: 'exit code 3', logTail: 'a\nb\n' },
    });
    expect(lines).toEqual(['    ScriptFailed: exit code 3', '    script: check.sh', '    | a', '    | b']);
  });
  test.each([
    [
      'UnknownError' as const,
      'Install failed: no room [INSTALL_NO_SPACE]',
      'Install failed: no room [INSTALL_NO_SPACE]',
    ],
    ['UnknownError' as const, '', 'UnknownError'],
    [undefined, 'gone', 'gone'],
    ['ScriptTimedOut' as const, 'took too long', 'ScriptTimedOut: took too long'],
  ])('a failure with the code %s and the message %j is one line: %s', (errorCode, message, line) => {
    const diagnostics = { ...(errorCode !== undefined && { errorCode }), message };
    expect(failureLines({ lifecycleEventName: 'Install', status: 'Failed', diagnostics })).toEqual([`    ${line}`]);
  });
  test('the colours of a script, which an agent passes on, do not reach the terminal', () => {
    const lines = failureLines({
      lifecycleEventName: 'ValidateService',
      status: 'Failed',
      diagnostics: { errorCode: 'ScriptFailed', message: 'bad\u001b[2J', logTail: '\u001b[31mred\u001b[0m\u0007\n' },
    });
    expect(lines).toEqual(['    ScriptFailed: bad', '    | red']);
  });
  test('a deployment that failed says why', () => {
    expect(
      conclusionLines({
        deploymentId: 'd-A',
        status: 'Failed',
        createTime: 10,
        completeTime: 12,
        errorInformation: { code: 'HEALTH_CONSTRAINTS', message: 'too many failed' },
      }),
    ).toEqual(['d-A: Failed after 2.0s', '  HEALTH_CONSTRAINTS: too many failed']);
  });
});

test('a table aligns its columns and ends no line with blanks', () => {
  expect(
    renderTable([
      ['NAME', 'STATUS'],
      ['a-long-name', ''],
      ['b', 'ok'],
    ]),
  ).toEqual(['NAME         STATUS', 'a-long-name', 'b            ok']);
});

test('a table as CSV quotes what would break a row, and no cell is a formula', () => {
  expect(
    renderCsv([
      ['a', 'b,c', 'say "x"'],
      ['=1+1', '@x', 'two\nlines'],
    ]),
  ).toEqual(['a,"b,c","say ""x"""', "'=1+1,'@x,two lines"]);
});

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@x', "'@x"],
  ['\t=1', '"\'\t=1"'],
  ['\r\n=1', "' =1"],
  [' =1', "' =1"],
  ['\u0000=1', "'\u0000=1"],
  ['\uff1d1+1', "'\uff1d1+1"],
  ['x;=1', '"x;=1"'],
  ['x\t=1', '"x\t=1"'],
  ['x,"=1', '"x,""=1"'],
  ['a=1', 'a=1'],
  ['a-b', 'a-b'],
])('a cell of CSV that is %j becomes %j, so that no spreadsheet runs it', (text, cell) => {
  expect(renderCsv([[text]])).toEqual([cell]);
});

test('a wait for the server itself shows the call that was made last and its answer', () => {
  const wait = { targetId: 'web-1', lifecycleEventName: 'BlockTraffic', reason: 'too-long' } as const;
  const times = { sinceTime: 1_446_744_188, heardOfTime: 1_446_744_188, giveUpTime: 1_446_744_248 };
  const first =
    'waiting for web-1: BlockTraffic, running since 2015-11-05 17:23:08, last heard of 2015-11-05 17:23:08; is given up at 2015-11-05 17:24:08 UTC';
  expect(waitLines([{ ...wait, ...times }])).toEqual([first]);
  expect(waitLines([{ ...wait, ...times, lastCall: 'front: show stat', lastAnswer: '7 left' }])).toEqual([
    ...[first, '  the last call was: front: show stat; the answer: 7 left'],
  ]);
});

test('a revision that is an AppSpec file is named by the beginning of its sum', () => {
  const sha256 = 'ab'.repeat(32);
  expect(renderLocation({ revisionType: 'AppSpecContent', appSpecContent: { sha256 } })).toBe('AppSpec abababababab');
  expect(renderLocation({ revisionType: 'String', string: { sha256 } })).toBe('AppSpec abababababab');
});
