import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Hook } from '../../src/appspec/types.ts';
import { hookEnvironment, MARKER_VARIABLE } from '../../src/hooks/environment.ts';
import { killProcessesOf } from '../../src/hooks/hook-processes.ts';
import { type EventOutcome, runLifecycleEvent } from '../../src/hooks/run-event.ts';
import { createHookScopes } from '../../src/hooks/scope.ts';
import { createScriptLog } from '../../src/hooks/script-log.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { openRotatingFile } from '../../src/logging/rotating-file.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { eventually } from '../support/eventually.ts';
import { describeIf } from '../support/needs.ts';
import { isRunning } from '../support/process-tree.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { pidsIn, writeScript } from '../support/scripts.ts';

interface Ran {
  readonly outcome: EventOutcome;
  readonly log: string;
  readonly tail: string;
  readonly marker: string;
}

/** Runs scripts, name → text (null: as it is there, or not there), as one event in a folder of the test's. */
async function runScripts(
  folder: string,
  scripts: Readonly<Record<string, string | null>>,
  options: {
    readonly timeoutSeconds?: number;
    readonly mode?: number;
    readonly runas?: string;
    readonly killSignal?: AbortSignal;
    readonly outputPolicy?: 'detach' | 'fail';
  } = {},
): Promise<Ran> {
  mkdirSync(folder, { recursive: true });
  const hooks: Hook[] = Object.entries(scripts).map(([location, text]) => {
    if (text !== null) writeScript(`${folder}/${location}`, text, options.mode);
    return { location, timeoutSeconds: options.timeoutSeconds ?? 20, runas: options.runas ?? null, sudo: false };
  });
  const marker = systemRandom.uuid();
  const logFile = openRotatingFile(`${folder}/logs/scripts.log`, (error) => expect.fail(String(error)));
  const scriptLog = createScriptLog(
    { scripts: logFile, deployments: null, scriptsPath: 'scripts.log' },
    'd-TEST',
    systemClock,
  );
  const environment = hookEnvironment(
    {
      ...{ event: 'AfterInstall', deploymentId: 'd-TEST', applicationName: 'app', deploymentGroupName: 'group' },
      ...{ deploymentGroupId: 'group-id', downloadedETag: 'etag', marker },
      revision: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'zip', version: null, eTag: null },
    },
    { ...process.env, AWS_SECRET_ACCESS_KEY: 'secret', LD_PRELOAD: '' },
    { restrictToAllowlist: false, stripLoaderVariables: true, handedDown: [] },
  );
  const outcome = await runLifecycleEvent(
    {
      ...{ clock: systemClock, log: silentLogger, graceMs: 200, outputGraceMs: 200 },
      outputPolicy: options.outputPolicy ?? 'detach',
      scopes: createHookScopes('off', {}, () => {}),
    },
    {
      ...{ event: 'AfterInstall', hooks, archiveDir: folder, logsDir: `${folder}/logs`, environment, scriptLog },
      ...(options.killSignal === undefined ? {} : { killSignal: options.killSignal }),
    },
  );
  logFile.close();
  return { outcome, log: readFileSync(`${folder}/logs/scripts.log`, 'utf8'), tail: scriptLog.tail(), marker };
}

describe('scripts of an event', () => {
  test('run in order, and their words are kept with time, stream and headers', async () => {
    using scratch = scratchFolder();
    const { outcome, log, tail } = await runScripts(scratch.path, {
      'a.sh': '#!/bin/sh\necho one\necho oops >&2\nprintf unfinished',
      'b.sh': '#!/bin/sh\necho two',
    });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(log).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d LifecycleEvent - AfterInstall\n/);
    expect(tail).toContain('Script - a.sh\n');
    for (const line of ['[stdout]one', '[stderr]oops', '[stdout]unfinished', '[stdout]two'])
      expect(log).toContain(line);
    expect(tail.indexOf('[stdout]two')).toBeGreaterThan(tail.indexOf('Script - b.sh'));
  });

  test('stop at the first that fails, with its exit code', async () => {
    using scratch = scratchFolder();
    const { outcome, log } = await runScripts(scratch.path, {
      'a.sh': '#!/bin/sh\nexit 7',
      'b.sh': '#!/bin/sh\necho two',
    });
    expect(outcome).toEqual({ outcome: 'failed', location: 'a.sh', runas: null, why: 'exit code 7' });
    expect(log).not.toContain('two');
  });

  test('ended by a signal are reported with the signal', async () => {
    using scratch = scratchFolder();
    const { outcome } = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\nkill -9 $$' });
    expect(outcome).toMatchObject({ outcome: 'failed', why: 'exit code 137 (SIGKILL)' });
  });

  test('get the deployment’s facts and no secrets, and their marker', async () => {
    using scratch = scratchFolder();
    const { log, marker } = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\nenv | sort' });
    for (const line of ['LIFECYCLE_EVENT=AfterInstall', 'DEPLOYMENT_ID=d-TEST', 'BUNDLE_ETAG=etag'])
      expect(log).toContain(`[stdout]${line}\n`);
    expect(log).toContain(`[stdout]${MARKER_VARIABLE}=${marker}\n`);
    expect(log).not.toContain('AWS_SECRET_ACCESS_KEY');
    expect(log).not.toContain('LD_PRELOAD');
  });

  test('scripts of an event that are missing are reported with the similar name that is there', async () => {
    using scratch = scratchFolder();
    const { outcome } = await runScripts(scratch.path, {
      'install-dependencies.sh': null,
      'install_dependencies.sh': '#!/bin/sh\n',
    });
    expect(outcome).toMatchObject({ outcome: 'missing', near: 'install_dependencies.sh' });
  });

  test('scripts of an event that are missing are named with their path, and those after them do not run', async () => {
    using scratch = scratchFolder();
    const { outcome, log } = await runScripts(scratch.path, { 'gone.sh': null, 'b.sh': '#!/bin/sh\necho two' });
    expect(outcome).toEqual({ outcome: 'missing', location: 'gone.sh', path: scratch.at('gone.sh') });
    expect(log).toContain(' Script - gone.sh\n');
    expect(log).not.toContain('two');
  });

  test('scripts of an event that lead out of the revision are not run', async () => {
    using scratch = scratchFolder();
    const outside = writeScript(scratch.at('outside.sh'), `#!/bin/sh\necho > ${scratch.word('ran')}`);
    mkdirSync(scratch.at('archive'));
    symlinkSync(outside, scratch.at('archive/a.sh'));
    const { outcome } = await runScripts(scratch.at('archive'), { 'a.sh': null });
    expect(outcome).toEqual({
      outcome: 'outside',
      location: 'a.sh',
      path: scratch.at('archive/a.sh'),
      leadsTo: outside,
    });
    expect(existsSync(scratch.at('ran'))).toBe(false);
  });

  test('scripts of an event that are not executable are made so; without #! they run by the shell', async () => {
    using scratch = scratchFolder();
    const { outcome, log } = await runScripts(scratch.path, { 'a b.sh': 'echo "no shebang"' }, { mode: 0o644 });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(log).toContain('[stdout]no shebang\n');
    expect(statSync(scratch.at('a b.sh')).mode & 0o111).toBe(0o111);
  });

  test('scripts of an event with CRLF lines or an interpreter that is not there say so', async () => {
    using scratch = scratchFolder();
    const crlf = await runScripts(scratch.at('crlf'), { 'a.sh': '#!/bin/sh\r\necho hi\r\n' });
    expect(crlf.outcome).toMatchObject({ outcome: 'failed', why: expect.stringContaining("'/bin/sh\\r'") });
    const gone = await runScripts(scratch.at('gone'), { 'a.sh': '#!/no/such/interpreter\n' });
    expect(gone.outcome).toEqual({
      ...{ outcome: 'failed', location: 'a.sh', runas: null },
      why: 'its interpreter /no/such/interpreter does not exist',
    });
  });

  test('scripts of an event that exceed their timeout fail the event with the timeout code', async () => {
    using scratch = scratchFolder();
    const late = await runScripts(scratch.at('late'), { 'a.sh': '#!/bin/sh\nsleep 600' }, { timeoutSeconds: 1 });
    expect(late.outcome).toEqual({ outcome: 'timed-out', location: 'a.sh', timeoutSeconds: 1, survivors: [] });
  });

  test('scripts of an event whose output a process still holds succeed by default; the log names the process and the file that its output goes to', async () => {
    using scratch = scratchFolder();
    const ran = await runScripts(scratch.path, {
      'a.sh': '#!/bin/sh\nsleep 600 2>/dev/null &',
      'b.sh': '#!/bin/sh\necho two',
    });
    expect(ran.outcome).toEqual({ outcome: 'succeeded' });
    const file = scratch.at('logs', 'AfterInstall-a.sh.stdout.log');
    expect(ran.tail).toMatch(/The stdout of \d+ \(sleep 600\) goes on in /);
    expect(ran.tail).toContain(file);
    expect(ran.tail).toContain('[stdout]two');
    expect(await killProcessesOf(systemClock, ran.marker)).toBe(1);
    await eventually(() => !existsSync(file));
  });

  test('scripts of an event whose output a process still holds fail the event if the policy is to fail', async () => {
    using scratch = scratchFolder();
    const ran = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\nsleep 600 &' }, { outputPolicy: 'fail' });
    const holders = [{ pid: expect.any(Number), commandLine: 'sleep 600' }];
    const held = ['stdout', 'stderr'].map((stream) => ({ stream, holders, continuesIn: expect.any(String) }));
    expect(ran.outcome).toEqual({ outcome: 'output-held', location: 'a.sh', held });
    expect(await killProcessesOf(systemClock, ran.marker)).toBe(1);
  });

  test('scripts of an event that fail are reported with their exit code, even if a process still holds their output', async () => {
    using scratch = scratchFolder();
    const ran = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\nsleep 600 &\nexit 9' }, { outputPolicy: 'fail' });
    expect(ran.outcome).toMatchObject({ outcome: 'failed', why: 'exit code 9' });
    expect(await killProcessesOf(systemClock, ran.marker)).toBe(1);
  });

  test('are killed when the agent must end, and the next one does not run', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const running = runScripts(
      scratch.at('s'),
      { 'a.sh': `#!/bin/sh\necho $$ > ${scratch.word('pid')}\nsleep 600`, 'b.sh': '#!/bin/sh\necho two' },
      { killSignal: controller.signal },
    );
    const [pid = 0] = await pidsIn(scratch.at('pid'), 1);
    controller.abort();
    const { outcome, log } = await running;
    expect(outcome).toEqual({ outcome: 'killed', location: 'a.sh' });
    expect(isRunning(pid)).toBe(false);
    expect(log).not.toContain('two');
  });
});

describe('runas', () => {
  test('names a user that does not exist, and what su said stands in the log', async () => {
    using scratch = scratchFolder();
    const { outcome, log } = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\n' }, { runas: 'no-such-user' });
    expect(outcome).toEqual({
      outcome: 'failed',
      location: 'a.sh',
      runas: 'no-such-user',
      why: "exit code 1; there is no user 'no-such-user' on this host",
    });
    expect(log).toContain('[stderr]su: ');
  });

  describeIf(process.getuid?.() === 0, 'root')('as root', () => {
    /** Other users have to reach the script. */
    function openFolder(scratch: ScratchFolder): string {
      chmodSync(scratch.path, 0o755);
      return scratch.path;
    }

    test('runs the script through su, keeps the deployment’s variables, and quotes the path', async () => {
      using scratch = scratchFolder();
      const text = '#!/bin/sh\nid -un\necho "$DEPLOYMENT_ID"\necho oops > /dev/stderr';
      const { outcome, log } = await runScripts(openFolder(scratch), { "a b'c.sh": text }, { runas: 'root' });
      expect(outcome).toEqual({ outcome: 'succeeded' });
      for (const line of ['[stdout]root\n', '[stdout]d-TEST\n', '[stderr]oops\n']) expect(log).toContain(line);
    });

    test('says that a user without a shell runs nothing', async () => {
      using scratch = scratchFolder();
      const { outcome } = await runScripts(openFolder(scratch), { 'a.sh': '#!/bin/sh\n' }, { runas: 'nobody' });
      expect(outcome).toMatchObject({
        outcome: 'failed',
        why: expect.stringMatching(/login shell of 'nobody' is .*nologin/),
      });
    });

    test('ends with all that was started as the other user', async () => {
      using scratch = scratchFolder();
      const text = `#!/bin/bash\ntrap '' TERM\nsetsid sleep 600 &\necho $! >> ${scratch.word('pids')}\necho $$ >> ${scratch.word('pids')}\nwhile true; do sleep 600; done`;
      const running = runScripts(openFolder(scratch), { 'a.sh': text }, { runas: 'root', timeoutSeconds: 1 });
      const pids = await pidsIn(scratch.at('pids'), 2);
      expect((await running).outcome).toMatchObject({ outcome: 'timed-out', survivors: [] });
      expect(pids.filter(isRunning)).toEqual([]);
    });
  });
});
