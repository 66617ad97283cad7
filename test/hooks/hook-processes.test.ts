import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { MARKER_VARIABLE } from '../../src/hooks/environment.ts';
import { allHooksOf, endHook, killProcessesOf, processesOfHook } from '../../src/hooks/hook-processes.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { makeOddProc, ODD_PROCS } from '../support/odd-proc.ts';
import { isRunning } from '../support/process-tree.ts';
import { scratchFolder } from '../support/scratch.ts';
import { pidsIn, writeScript } from '../support/scripts.ts';

describe('what a hook has left behind', () => {
  test('is found and killed by the command’s identifier alone, children without the marker included', async () => {
    using scratch = scratchFolder();
    const marker = systemRandom.uuid();
    const text = `#!/bin/bash
setsid env --unset=${MARKER_VARIABLE} sleep 600 &
echo $! >> ${scratch.word('pids')}
echo $$ >> ${scratch.word('pids')}
trap '' TERM
wait; sleep 600`;
    const options = { env: { [MARKER_VARIABLE]: marker }, detached: true, reject: false, stdio: 'ignore' } as const;
    const child = execa(writeScript(scratch.at('a.sh'), text), options);
    const pids = await pidsIn(scratch.at('pids'), 2);
    expect(await killProcessesOf(systemClock, `${marker}-other`)).toBe(0);
    expect(pids.every(isRunning)).toBe(true);
    expect(await killProcessesOf(systemClock, marker)).toBe(2);
    await child;
    expect(pids.filter(isRunning)).toEqual([]);
    expect(await killProcessesOf(systemClock, marker)).toBe(0);
  });

  test('is never the agent itself, though a hook may have started it', async () => {
    const marker = systemRandom.uuid();
    const module = fileURLToPath(new URL('../../src/hooks/hook-processes.ts', import.meta.url));
    const clock = fileURLToPath(new URL('../../src/system/clock.ts', import.meta.url));
    const program = `
      import { killProcessesOf } from ${JSON.stringify(module)};
      import { systemClock } from ${JSON.stringify(clock)};
      process.stdout.write(String(await killProcessesOf(systemClock, ${JSON.stringify(marker)})));`;
    // A shell between, which carries the marker, too: the agent's daemon is the executor's parent.
    const { stdout, exitCode } = await execa(
      '/bin/sh',
      ['-c', '"$0" --input-type=module --eval "$1"; exit 5', process.execPath, program],
      { env: { [MARKER_VARIABLE]: marker }, reject: false },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: '0', exitCode: 5 });
  });

  test('is nothing when nothing was', () => {
    expect(processesOfHook(allHooksOf(systemRandom.uuid()))).toEqual([]);
  });
});

describe.each(ODD_PROCS)('a hook where /proc is %s', (kind) => {
  test('is ended with its whole process group, and first asked to', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    const text = `#!/bin/sh
asked=${scratch.word('asked')} pids=${scratch.word('pids')}
export asked pids
sh -c 'trap "echo asked > \\"\\$asked\\"; exit" TERM; echo $$ >> "$pids"; while :; do sleep 0.05; done' &
echo $$ >> "$pids"
trap '' TERM
while :; do sleep 0.05; done`;
    const child = execa(writeScript(scratch.at('a.sh'), text), { detached: true, reject: false, stdio: 'ignore' });
    const pids = await pidsIn(scratch.at('pids'), 2);
    const hook = { marker: systemRandom.uuid(), groupId: child.pid ?? 0, scope: 'none' };
    expect(processesOfHook(hook, proc)).toEqual([child.pid]);
    await endHook(systemClock, hook, 1_000, proc);
    await child;
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(scratch.at('asked'))).toBe(true);
  });

  test('started by an earlier agent is not mistaken for another process, and no process gets a signal', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    const marker = systemRandom.uuid();
    await using child = sleeper({ [MARKER_VARIABLE]: marker });
    expect(await killProcessesOf(systemClock, marker, proc)).toBe(0);
    expect(isRunning(child.pid)).toBe(true);
  });
});

function sleeper(env: Record<string, string>): AsyncDisposable & { readonly pid: number } {
  const child = execa('sleep', ['600'], { env, reject: false, stdio: 'ignore', detached: true });
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child;
    },
  };
}
