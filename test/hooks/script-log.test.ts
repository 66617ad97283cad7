import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createScriptLog, SHARED_LOG_BYTES } from '../../src/hooks/script-log.ts';
import { openRotatingFile } from '../../src/logging/rotating-file.ts';
import { manualClock } from '../support/clock.ts';
import { scratchFolder } from '../support/scratch.ts';

const noFault = (error: unknown) => expect.fail(String(error));

test('the same words stand in three places, each in its own format', () => {
  using scratch = scratchFolder();
  const files = {
    scriptsPath: scratch.at('scripts.log'),
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
    { scripts: { append: (text) => written.push(text), close() {} }, deployments: null, scriptsPath: 'scripts.log' },
    'd-ONE',
    manualClock(),
  );
  log.header('Script - a.sh\n2026-01-01 00:00:00 [stdout]all is well\u001b[1A');
  expect(written.join('').split('\n')).toHaveLength(2);
  expect(written.join('')).not.toContain('\u001b');
});

test('an event that says more than its share goes on in its own log, and the log of all names that one', () => {
  const own: string[] = [];
  const all: string[] = [];
  const into = (lines: string[]) => ({ append: (text: string) => void lines.push(text), close: () => undefined });
  const files = { scripts: into(own), scriptsPath: '/root/g/d-LOUD/logs/scripts.log', deployments: into(all) };
  const loud = createScriptLog(files, 'd-LOUD', manualClock());
  for (let n = 0; n < 40_000; n += 1) loud.line('stdout', 'x'.repeat(100));
  expect(own).toHaveLength(40_000);
  expect(all.join('').length).toBeLessThan(SHARED_LOG_BYTES + 500);
  expect(all.at(-1)).toContain(files.scriptsPath);
  createScriptLog(files, 'd-OTHER', manualClock()).line('stdout', 'heard');
  expect(all.at(-1)).toContain('[d-OTHER][stdout]heard');
});
