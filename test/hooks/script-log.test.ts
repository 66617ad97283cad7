import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRotatingFile } from '../../src/hooks/rotating-file.ts';
import { createScriptLog } from '../../src/hooks/script-log.ts';
import { manualClock } from '../support/clock.ts';
import { scratchFolder } from '../support/scratch.ts';

const noFault = (error: unknown) => expect.fail(String(error));

test('the same words stand in three places, each in its own format', () => {
  using scratch = scratchFolder();
  const files = {
    scripts: openRotatingFile(scratch.at('scripts.log'), noFault),
    deployments: openRotatingFile(scratch.at('deployments.log'), noFault),
  };
  // What is local time here is local time there.
  const clock = manualClock(new Date(2026, 0, 31, 4, 5, 9, 7).getTime());
  const log = createScriptLog(files, 'd-ONE', clock);
  log.header('LifecycleEvent - AfterInstall');
  log.header('Script - scripts/a.sh');
  log.line('stdout', 'hello');
  log.line('stderr', '  oops');
  files.scripts.close();
  files.deployments.close();
  expect(readFileSync(scratch.at('scripts.log'), 'utf8')).toBe(
    '2026-01-31 04:05:09 LifecycleEvent - AfterInstall\n' +
      '2026-01-31 04:05:09 Script - scripts/a.sh\n' +
      '2026-01-31 04:05:09 [stdout]hello\n' +
      '2026-01-31 04:05:09 [stderr]  oops\n',
  );
  expect(readFileSync(scratch.at('deployments.log'), 'utf8')).toBe(
    '[2026-01-31 04:05:09.007] [d-ONE]LifecycleEvent - AfterInstall\n' +
      '[2026-01-31 04:05:09.007] [d-ONE]Script - scripts/a.sh\n' +
      '[2026-01-31 04:05:09.007] [d-ONE][stdout]hello\n' +
      '[2026-01-31 04:05:09.007] [d-ONE][stderr]  oops\n',
  );
  expect(log.tail()).toBe('LifecycleEvent - AfterInstall\nScript - scripts/a.sh\n[stdout]hello\n[stderr]  oops\n');
});

test('a location in the AppSpec file cannot write lines of its own', () => {
  const written: string[] = [];
  const log = createScriptLog(
    { scripts: { append: (text) => written.push(text), close() {} }, deployments: null },
    'd-ONE',
    manualClock(),
  );
  log.header('Script - a.sh\n2026-01-01 00:00:00 [stdout]all is well\u001b[1A');
  expect(written.join('').split('\n')).toHaveLength(2);
  expect(written.join('')).not.toContain('\u001b');
});
