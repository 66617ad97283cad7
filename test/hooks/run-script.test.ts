import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { MARKER_VARIABLE } from '../../src/hooks/environment.ts';
import { allHooksOf, killProcessesOf, processesOfHook } from '../../src/hooks/hook-processes.ts';
import { type RunScriptRequest, runScript, type ScriptEnding } from '../../src/hooks/run-script.ts';
import { systemClock } from '../../src/system/clock.ts';
import { commandLineOf } from '../../src/system/processes.ts';
import { systemRandom } from '../../src/system/random.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { testIf } from '../support/needs.ts';
import { isRunning } from '../support/process-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { pidsIn, writeScript } from '../support/scripts.ts';

const MARKER = `test-${systemRandom.uuid()}`;

interface Ran {
  readonly ending: ScriptEnding;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

async function run(script: string, overrides: Partial<RunScriptRequest> = {}): Promise<Ran> {
  const lines: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  const ending = await runScript(systemClock, {
    command: { file: script, args: [] },
    environment: { PATH: process.env['PATH'] ?? '', [MARKER_VARIABLE]: MARKER },
    timeoutMs: 20_000,
    graceMs: 200,
    outputGraceMs: 20_000,
    scope: null,
    detachedOutput: (stream) => `${script}.${stream}`,
    onLine: (stream, line) => lines[stream].push(line),
    ...overrides,
  });
  return { ending, ...lines };
}

/** Whether somebody still copies output into this file, which he makes anew when it is not there. */
function isWrittenOn(file: string): boolean {
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandLineOf(Number(pid)).includes(file));
}

afterEach(async () => {
  await killProcessesOf(systemClock, MARKER);
  expect(processesOfHook(allHooksOf(MARKER))).toEqual([]);
});

describe('a script', () => {
  test.each([
    ['exit 0', { ending: 'exited', exitCode: 0, signal: null, held: [] }],
    ['exit 7', { ending: 'exited', exitCode: 7, signal: null, held: [] }],
    ['exit 255', { ending: 'exited', exitCode: 255, signal: null, held: [] }],
    ['kill -9 $$', { ending: 'exited', exitCode: 137, signal: 'SIGKILL', held: [] }],
    ['kill -TERM $$; sleep 9', { ending: 'exited', exitCode: 143, signal: 'SIGTERM', held: [] }],
  ])('%s', async (text, expected) => {
    using scratch = scratchFolder();
    const { ending } = await run(writeScript(scratch.at('a.sh'), `#!/bin/sh\n${text}\n`));
    expect(ending).toEqual(expected);
  });

  test('runs in /, with nothing to read, in a process group and a session of its own', async () => {
    using scratch = scratchFolder();
    const text =
      '#!/bin/sh\npwd\nwc -c\nread -r pid name state parent group session rest < /proc/self/stat\necho "$group $session $$"';
    const { stdout } = await run(writeScript(scratch.at('a.sh'), text));
    const [folder, bytes, ids = ''] = stdout;
    expect([folder, bytes?.trim()]).toEqual(['/', '0']);
    expect(new Set(ids.split(' ')).size).toBe(1);
  });

  test('may open /dev/stdout and /dev/stderr again, as scripts do', async () => {
    using scratch = scratchFolder();
    const text = '#!/bin/sh\necho out > /dev/stdout\necho err > /dev/stderr\necho both | tee /dev/stderr';
    const ran = await run(writeScript(scratch.at('a.sh'), text));
    expect(ran).toEqual({
      ending: { ending: 'exited', exitCode: 0, signal: null, held: [] },
      stdout: ['out', 'both'],
      stderr: ['err', 'both'],
    });
  });

  testIf(process.getuid?.() === 0, 'root')('may do so as another user', async () => {
    using scratch = scratchFolder();
    chmodSync(scratch.path, 0o755);
    const script = writeScript(scratch.at('a.sh'), '#!/bin/sh\nid -u > /dev/stdout');
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', script];
    expect(await run(script, { command: { file: 'setpriv', args } })).toMatchObject({ stdout: ['65534'], stderr: [] });
  });

  test('writes as much as it likes', async () => {
    using scratch = scratchFolder();
    const { stdout, ending } = await run(writeScript(scratch.at('a.sh'), '#!/bin/sh\nseq 200000\nprintf end'));
    expect(ending).toMatchObject({ exitCode: 0 });
    expect(stdout).toHaveLength(200_001);
    expect(stdout.slice(-2)).toEqual(['200000', 'end']);
  });

  test('a script that cannot be started says why', async () => {
    using scratch = scratchFolder();
    const { ending } = await run(writeScript(scratch.at('a.sh'), '#!/no/such/interpreter\n'));
    expect(ending).toEqual({ ending: 'cannot-start', why: expect.stringContaining('ENOENT') });
    const noRight = await run(writeScript(scratch.at('b.sh'), '#!/bin/sh\n', 0o644));
    expect(noRight.ending).toEqual({ ending: 'cannot-start', why: expect.stringContaining('EACCES') });
  });

  test('may have more time than a timer can hold', async () => {
    using scratch = scratchFolder();
    const { ending } = await run(writeScript(scratch.at('a.sh'), '#!/bin/sh\nsleep 0.05'), { timeoutMs: 1e15 });
    expect(ending).toMatchObject({ ending: 'exited', exitCode: 0 });
  });
});

describe('a script that takes too long', () => {
  test('is told to end first, and its last words are kept', async () => {
    using scratch = scratchFolder();
    const text = `#!/bin/bash\ntrap 'echo cleaning up; printf done; exit 0' TERM\necho begun\nwhile true; do sleep 0.05; done`;
    const { ending, stdout } = await run(writeScript(scratch.at('a.sh'), text), { timeoutMs: 300, graceMs: 10_000 });
    expect(ending).toEqual({ ending: 'timed-out', survivors: [] });
    expect(stdout).toEqual(['begun', 'cleaning up', 'done']);
  });

  test('gives its children their grace, too, when it has gone itself', async () => {
    using scratch = scratchFolder();
    const child = writeScript(
      scratch.at('child.sh'),
      `#!/bin/bash\nsaved=${scratch.word('saved')}\ntrap 'sleep 0.2; echo saved >> "$saved"; exit 0' TERM\necho $$ >> ${scratch.word('pids')}\nwhile true; do sleep 0.05; done`,
    );
    const text = `#!/bin/bash\n${quoteForShell(child)} &\nwait`;
    const { ending } = await run(writeScript(scratch.at('a.sh'), text), { timeoutMs: 500, graceMs: 10_000 });
    expect(ending).toEqual({ ending: 'timed-out', survivors: [] });
    expect(await pidsIn(scratch.at('pids'), 1)).toHaveLength(1);
    expect(readFileSync(scratch.at('saved'), 'utf8')).toBe('saved\n');
  });

  test('is killed with all it has started when it does not heed, wherever that hides', async () => {
    using scratch = scratchFolder();
    const pidFile = scratch.at('pids');
    const stubborn = `trap "" TERM; echo $$ >> ${quoteForShell(pidFile)}; while true; do sleep 600; done`;
    const text = `#!/bin/bash
trap '' TERM
bash -c ${quoteForShell(stubborn)} &
setsid bash -c ${quoteForShell(stubborn)} &
setsid env --unset=${MARKER_VARIABLE} bash -c ${quoteForShell(stubborn)} &
echo $$ >> ${quoteForShell(pidFile)}
while true; do sleep 600; done`;
    const running = run(writeScript(scratch.at('a.sh'), text), { timeoutMs: 800 });
    const pids = await pidsIn(pidFile, 4);
    expect((await running).ending).toEqual({ ending: 'timed-out', survivors: [] });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test('and goes on forking is killed as well', async () => {
    using scratch = scratchFolder();
    const text = `#!/bin/bash\ntrap '' TERM\nwhile true; do setsid sleep 600 & sleep 0.01; done`;
    const { ending } = await run(writeScript(scratch.at('a.sh'), text), { timeoutMs: 300 });
    expect(ending).toEqual({ ending: 'timed-out', survivors: [] });
    expect(processesOfHook(allHooksOf(MARKER))).toEqual([]);
  });

  test('is ended at once, with no grace, when the agent must end', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const text = `#!/bin/bash\nheard=${scratch.word('heard')}\ntrap 'echo heard >> "$heard"' TERM\nsetsid sleep 600 &\necho $$ >> ${scratch.word('pids')}\necho $! >> ${scratch.word('pids')}\nwhile true; do sleep 600; done`;
    const running = run(writeScript(scratch.at('a.sh'), text), { killSignal: controller.signal, graceMs: 60_000 });
    const pids = await pidsIn(scratch.at('pids'), 2);
    controller.abort();
    expect((await running).ending).toEqual({ ending: 'killed' });
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readdirSync(scratch.path)).not.toContain('heard');
  });

  test('is ended when the agent must end at the very moment of its start', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const running = run(writeScript(scratch.at('a.sh'), '#!/bin/sh\nsleep 600'), { killSignal: controller.signal });
    controller.abort();
    expect((await running).ending).toEqual({ ending: 'killed' });
  });

  test('is not even started when the agent is already ending', async () => {
    using scratch = scratchFolder();
    const script = writeScript(scratch.at('a.sh'), `#!/bin/sh\necho > ${scratch.word('ran')}`);
    expect((await run(script, { killSignal: AbortSignal.abort() })).ending).toEqual({ ending: 'killed' });
    expect(readdirSync(scratch.path)).toEqual(['a.sh']);
  });
});

describe('a process in the background', () => {
  test('lives on after a success when it has let go of the output', async () => {
    using scratch = scratchFolder();
    const text = `#!/bin/sh\nsleep 600 >/dev/null 2>&1 &\necho $! > ${scratch.word('pid')}\necho started`;
    const { ending, stdout } = await run(writeScript(scratch.at('a.sh'), text));
    expect(ending).toMatchObject({ ending: 'exited', exitCode: 0 });
    expect(stdout).toEqual(['started']);
    expect((await pidsIn(scratch.at('pid'), 1)).every(isRunning)).toBe(true);
    expect(await killProcessesOf(systemClock, MARKER)).toBe(1);
  });

  test.each([
    ['stdout', '2>/dev/null'],
    ['stderr', '>/dev/null'],
  ] as const)(
    'a process in the background that holds %s gets some time, is then named in the log, and goes on writing into a file',
    async (stream, redirection) => {
      using scratch = scratchFolder();
      // Two are left; only one of them is to blame.
      const child = writeScript(
        scratch.at('child.sh'),
        `#!/bin/bash\necho $$ > ${scratch.word('pid')}\nwhile ! [ -e ${scratch.word('go')} ]; do sleep 0.05; done\nfor n in 1 2 3; do echo line $n; echo line $n >&2; done\necho alive > ${scratch.word('alive')}\nwhile true; do read -t 60 < /dev/zero; done`,
      );
      const text = `#!/bin/sh\nsleep 601 >/dev/null 2>&1 &\n${quoteForShell(child)} ${redirection} &\necho begun\n`;
      const { ending } = await run(writeScript(scratch.at('a.sh'), text), { outputGraceMs: 400 });
      const [pid = 0] = await pidsIn(scratch.at('pid'), 1);
      const continuesIn = scratch.at(`a.sh.${stream}.log`);
      const holders = expect.arrayContaining([{ pid, commandLine: `/bin/bash ${child}` }]);
      expect(ending).toEqual({ ending: 'exited', exitCode: 0, signal: null, held: [{ stream, holders, continuesIn }] });
      writeScript(scratch.at('go'), '');
      await eventually(() => readFileSync(continuesIn, 'utf8') === 'line 1\nline 2\nline 3\n');
      await eventually(() => existsSync(scratch.at('alive')));
      expect(isRunning(pid)).toBe(true);
      await killProcessesOf(systemClock, MARKER);
      await eventually(() => !isWrittenOn(continuesIn));
    },
  );

  test('a process in the background whose output is never used again leaves no empty file behind', async () => {
    using scratch = scratchFolder();
    const script = writeScript(scratch.at('a.sh'), '#!/bin/sh\nsleep 600 &\nexit 3');
    const { ending } = await run(script, { outputGraceMs: 100 });
    expect(ending).toMatchObject({ ending: 'exited', exitCode: 3, held: [{ stream: 'stdout' }, { stream: 'stderr' }] });
    expect(readdirSync(scratch.path).sort()).toEqual(['a.sh', 'a.sh.stderr.log', 'a.sh.stdout.log']);
    await killProcessesOf(systemClock, MARKER);
    await eventually(() => readdirSync(scratch.path).length === 1);
  });

  test('a process in the background that holds the output past the timeout does not make its script time out', async () => {
    using scratch = scratchFolder();
    const script = writeScript(scratch.at('a.sh'), '#!/bin/sh\nsleep 600 &');
    const { ending } = await run(script, { timeoutMs: 500 });
    expect(ending).toMatchObject({ ending: 'exited', exitCode: 0, held: [{ stream: 'stdout' }, { stream: 'stderr' }] });
    await killProcessesOf(systemClock, MARKER);
    await eventually(() => !isWrittenOn(scratch.at('a.sh.stdout.log')) && !isWrittenOn(scratch.at('a.sh.stderr.log')));
  });

  test('a process in the background that closes the output in time does no harm, and its output is kept', async () => {
    using scratch = scratchFolder();
    const text = '#!/bin/sh\n(sleep 0.2; echo late) &\necho early';
    const { ending, stdout } = await run(writeScript(scratch.at('a.sh'), text));
    expect(ending).toMatchObject({ ending: 'exited', exitCode: 0 });
    expect(stdout).toEqual(['early', 'late']);
  });

  test('a process in the background that holds the output is named early, long before the deadline', async () => {
    using scratch = scratchFolder();
    const held: string[] = [];
    const text = `#!/bin/sh\n(while ! [ -e ${scratch.word('go')} ]; do sleep 0.05; done) &\n`;
    const running = run(writeScript(scratch.at('a.sh'), text), {
      onOutputHeld: (stream, holders) => held.push(`${stream} ${holders.length}`),
    });
    await eventually(() => held.length > 0);
    writeScript(scratch.at('go'), '');
    expect((await running).ending).toMatchObject({ ending: 'exited', exitCode: 0 });
    expect(held[0]).toMatch(/^stdout [12]$/);
  });

  test('is killed when the agent must end while it holds the output', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const text = `#!/bin/sh\nsleep 600 &\necho $! > ${scratch.word('pid')}`;
    const running = run(writeScript(scratch.at('a.sh'), text), { killSignal: controller.signal });
    const [pid = 0] = await pidsIn(scratch.at('pid'), 1);
    controller.abort();
    expect((await running).ending).toEqual({ ending: 'killed' });
    expect(isRunning(pid)).toBe(false);
  });
});
