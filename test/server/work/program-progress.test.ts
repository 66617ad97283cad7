import { expect, test } from 'vitest';
import { afterRun, beforeRun, madeHostsOf, missingHosts, NOT_RUN } from '../../../src/server/work/program-progress.ts';

const PROGRAM = { command: ['/bin/true'], limitMs: 60_000, mayRunAgain: false };
const ran = (exitCode: number | null) => ({ exitCode, stdout: '', said: '' });

test('a program is run for the first time, and again only while its limit lasts', () => {
  expect(beforeRun(NOT_RUN, PROGRAM, 5_000)).toEqual({ may: 'run', leftMs: 60_000 });
  const begun = { ...NOT_RUN, begunAtMs: 5_000, runs: 3 };
  expect(beforeRun(begun, PROGRAM, 64_999)).toEqual({ may: 'run', leftMs: 1 });
  expect(beforeRun(begun, PROGRAM, 65_000)).toEqual({
    ...{ may: 'not', why: 'The program was not done within 60 seconds, in 3 runs.' },
  });
});

test('a program whose server was killed is run again only when its settings say so', () => {
  const cutOff = { begunAtMs: 0, isRunning: true, runs: 1 };
  expect(beforeRun(cutOff, PROGRAM, 1)).toMatchObject({ may: 'not', why: expect.stringContaining('not known') });
  expect(beforeRun(cutOff, { ...PROGRAM, mayRunAgain: true }, 1)).toEqual({ may: 'run', leftMs: 59_999 });
});

test('status 0 is done, 75 asks to be run again ever more rarely, and all else has failed', () => {
  expect(afterRun(ran(0), 1)).toEqual({ is: 'done' });
  expect([1, 2, 9].map((runs) => afterRun(ran(75), runs))).toEqual(
    [2_000, 4_000, 30_000].map((inMs) => ({ is: 'not-yet', inMs })),
  );
  for (const exitCode of [1, 74, 76, 255, null]) expect(afterRun(ran(exitCode), 1)).toEqual({ is: 'failed' });
});

test.each([
  ['{"hosts": ["web-3", "web-4"]}', { hosts: ['web-3', 'web-4'] }],
  ['creating …\ndone\n{"count": 2}\n', { count: 2 }],
  ['{"count": 2}\nApply complete!', null],
  ['', null],
  ['{"hosts": []}', null],
  ['{"hosts": [7]}', null],
  ['{"count": 0}', null],
  ['{"count": 1.5}', null],
  ['null', null],
])('the last line of what a program printed says which hosts it has made: %j', (stdout, made) => {
  expect(madeHostsOf(stdout)).toEqual(made);
});

test('hosts are waited for by their names, or until there are as many', () => {
  expect(missingHosts({ hosts: ['a', 'b'] }, ['b', 'c'])).toEqual({ count: 1, names: ['a'] });
  expect(missingHosts({ count: 3 }, ['b', 'c'])).toEqual({ count: 1, names: [] });
  expect(missingHosts({ count: 1 }, ['b', 'c'])).toEqual({ count: 0, names: [] });
  expect(missingHosts({ count: 9e15 }, [])).toEqual({ count: 9e15, names: [] });
});
