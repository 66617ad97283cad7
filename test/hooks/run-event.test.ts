import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Hook } from '../../src/appspec/types.ts';
import { hookEnvironment, MARKER_VARIABLE } from '../../src/hooks/environment.ts';
import { killProcessesOf } from '../../src/hooks/hook-processes.ts';
import { openRotatingFile } from '../../src/hooks/rotating-file.ts';
import { type EventOutcome, runLifecycleEvent } from '../../src/hooks/run-event.ts';
import { createScriptLog } from '../../src/hooks/script-log.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/process-tree.ts';
import { scratchFolder } from '../support/scratch.ts';

interface Ran {
  readonly outcome: EventOutcome;
  readonly log: string;
  readonly tail: string;
  readonly marker: string;
}

/** Runs scripts, name → text, as one event in a folder of the test's. */
async function runScripts(
  folder: string,
  scripts: Readonly<Record<string, string>>,
  options: {
    readonly timeoutSeconds?: number;
    readonly mode?: number;
    readonly runas?: string;
    readonly killSignal?: AbortSignal;
  } = {},
): Promise<Ran> {
  mkdirSync(folder, { recursive: true });
  const hooks: Hook[] = Object.entries(scripts).map(([location, text]) => {
    writeFileSync(`${folder}/${location}`, text, { mode: options.mode ?? 0o755 });
    return { location, timeoutSeconds: options.timeoutSeconds ?? 20, runas: options.runas ?? null, sudo: false };
  });
  const marker = systemRandom.uuid();
  const logFile = openRotatingFile(`${folder}/logs/scripts.log`, (error) => expect.fail(String(error)));
  const scriptLog = createScriptLog({ scripts: logFile, deployments: null }, 'd-TEST', systemClock);
  const environment = hookEnvironment(
    {
      ...{ event: 'AfterInstall', deploymentId: 'd-TEST', applicationName: 'app', deploymentGroupName: 'group' },
      ...{ deploymentGroupId: 'group-id', downloadedETag: 'etag', marker },
      revision: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'zip', version: null, eTag: null },
    },
    { ...process.env, AWS_SECRET_ACCESS_KEY: 'secret', LD_PRELOAD: '' },
    { restrictToAllowlist: false, stripLoaderVariables: true },
  );
  const outcome = await runLifecycleEvent(
    { clock: systemClock, log: silentLogger, graceMs: 200 },
    {
      ...{ event: 'AfterInstall', hooks, archiveDir: folder, environment, scriptLog },
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

  test('that a signal ends are named with it', async () => {
    using scratch = scratchFolder();
    const { outcome } = await runScripts(scratch.path, { 'a.sh': '#!/bin/sh\nkill -9 $$' });
    expect(outcome).toMatchObject({ outcome: 'failed', why: 'exit code 137 (SIGKILL)' });
  });

  test('get the deployment’s facts and no secrets; their input is empty and they start in /', async () => {
    using scratch = scratchFolder();
    const { log } = await runScripts(scratch.path, {
      'a.sh':
        '#!/bin/sh\necho "$LIFECYCLE_EVENT $DEPLOYMENT_ID $APPLICATION_NAME $DEPLOYMENT_GROUP_NAME $DEPLOYMENT_GROUP_ID"\n' +
        'echo "$BUNDLE_BUCKET/$BUNDLE_KEY/$BUNDLE_ETAG/${BUNDLE_VERSION-unset}"\necho "secret=${AWS_SECRET_ACCESS_KEY-none}"\npwd\nwc -c',
    });
    expect(log).toContain('[stdout]AfterInstall d-TEST app group group-id');
    expect(log).toContain('[stdout]b/k/etag/unset');
    expect(log).toContain('[stdout]secret=none');
    expect(log).toMatch(/\[stdout\]\/\n.*\[stdout\]0\n/);
  });

  test('that are missing are named with their path', async () => {
    using scratch = scratchFolder();
    const { outcome } = await runScripts(scratch.at('x'), {});
    expect(outcome).toEqual({ outcome: 'succeeded' });
    const hook: Hook = { location: 'gone.sh', timeoutSeconds: 1, runas: null, sudo: false };
    const scriptLog = { header() {}, line() {}, tail: () => '' };
    const missing = await runLifecycleEvent(
      { clock: systemClock, log: silentLogger, graceMs: 1 },
      { event: 'AfterInstall', hooks: [hook], archiveDir: scratch.path, environment: {}, scriptLog },
    );
    expect(missing).toEqual({ outcome: 'missing', location: 'gone.sh', path: scratch.at('gone.sh') });
  });

  test('that are not executable are made so; without #! they run by the shell', async () => {
    using scratch = scratchFolder();
    const { outcome, log } = await runScripts(scratch.path, { 'a b.sh': 'echo "no shebang"' }, { mode: 0o644 });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(log).toContain('no shebang');
    expect(statSync(scratch.at('a b.sh')).mode & 0o111).toBe(0o111);
  });

  test('with CRLF lines or an interpreter that is not there say so', async () => {
    using scratch = scratchFolder();
    const crlf = await runScripts(scratch.at('crlf'), { 'a.sh': '#!/bin/sh\r\necho hi\r\n' });
    expect(crlf.outcome).toMatchObject({ outcome: 'failed', why: expect.stringContaining('CRLF') });
    const gone = await runScripts(scratch.at('gone'), { 'a.sh': '#!/no/such/interpreter\n' });
    expect(gone.outcome).toMatchObject({ outcome: 'failed', why: expect.stringContaining('cannot be started') });
  });

  test.runIf(process.getuid?.() === 0)('run as another user when the AppSpec file says so', async () => {
    using scratch = scratchFolder();
    const { chmodSync } = await import('node:fs');
    chmodSync(scratch.path, 0o755);
    const { log, outcome } = await runScripts(scratch.path, { 'a b.sh': '#!/bin/sh\nid -un' }, { runas: 'root' });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(log).toContain('[stdout]root');
  });
});

describe('output', () => {
  test('that is binary, coloured or endless does no harm, and the tail keeps the newest lines', async () => {
    using scratch = scratchFolder();
    const { log, tail, outcome } = await runScripts(scratch.path, {
      'a.sh':
        "#!/bin/sh\nprintf '\\033[31mred\\033[0m\\n'\nhead -c 2000 /dev/urandom\necho\n" +
        'head -c 300000 /dev/zero | tr \'\\0\' x\necho\nfor n in $(seq 300); do echo "line $n"; done',
    });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(log).toContain('[stdout]red\n');
    expect(Math.max(...log.split('\n').map((line) => line.length))).toBeLessThan(66_000);
    expect(Buffer.byteLength(tail)).toBeLessThan(2048);
    expect(tail.endsWith('[stdout]line 300\n')).toBe(true);
  });
});

describe('a script that does not end', () => {
  test('is ended with everything it has started, even what hides in another session and ignores SIGTERM', async () => {
    using scratch = scratchFolder();
    const pidFile = scratch.at('pids');
    const { outcome } = await runScripts(
      scratch.at('scripts'),
      {
        'a.sh': `#!/bin/bash
trap '' TERM
sleep 600 & echo $! >> ${pidFile}
setsid bash -c 'trap "" TERM; echo $$ >> ${pidFile}; sleep 600' &
echo $$ >> ${pidFile}
wait; while true; do sleep 600; done`,
      },
      { timeoutSeconds: 1 },
    );
    expect(outcome).toEqual({ outcome: 'timed-out', location: 'a.sh', timeoutSeconds: 1, survivors: [] });
    const pids = readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
    expect(pids).toHaveLength(3);
    await eventually(() => pids.every((pid) => !isRunning(pid)));
  });

  test('is killed at once when the agent must end', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const running = runScripts(
      scratch.at('s'),
      { 'a.sh': `#!/bin/sh\necho $$ > ${scratch.at('pid')}\nsleep 600` },
      { killSignal: controller.signal },
    );
    await eventually(() => {
      try {
        return readFileSync(scratch.at('pid'), 'utf8').endsWith('\n');
      } catch {
        return false;
      }
    });
    controller.abort();
    expect((await running).outcome).toEqual({ outcome: 'killed', location: 'a.sh' });
    await eventually(() => !isRunning(Number(readFileSync(scratch.at('pid'), 'utf8'))));
  });
});

describe('a background process', () => {
  test('that lets go of the output lives on', async () => {
    using scratch = scratchFolder();
    const { outcome, marker } = await runScripts(scratch.path, {
      'a.sh': '#!/bin/sh\nsleep 600 >/dev/null 2>&1 &\necho started',
    });
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(await killProcessesOf(systemClock, marker)).toBe(1);
  });

  test('that holds the output fails the event at its deadline, and is named', async () => {
    using scratch = scratchFolder();
    const { outcome, marker } = await runScripts(
      scratch.path,
      { 'a.sh': '#!/bin/sh\nsleep 600 &\necho started' },
      { timeoutSeconds: 1 },
    );
    expect(outcome).toMatchObject({
      outcome: 'output-held',
      location: 'a.sh',
      stream: 'stdout',
      holders: [{ pid: expect.any(Number), commandLine: 'sleep 600' }],
    });
    expect(await killProcessesOf(systemClock, marker)).toBe(1);
  });
});

test('every process of a hook carries its marker', async () => {
  using scratch = scratchFolder();
  const { log, marker } = await runScripts(scratch.path, { 'a.sh': `#!/bin/sh\necho "$${MARKER_VARIABLE}"` });
  expect(log).toContain(`[stdout]${marker}`);
});
