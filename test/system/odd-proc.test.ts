/** Facts about the machine if /proc is missing, empty, garbled, another namespace's, or hides other users' processes. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { bootId, kernelBootId } from '../../src/system/boot-id.ts';
import { limitCoreDumps } from '../../src/system/core-dumps.ts';
import { closeInheritedDescriptors } from '../../src/system/inherited-descriptors.ts';
import { readMachineFacts } from '../../src/system/machine-facts.ts';
import { readMountTable } from '../../src/system/mount-table.ts';
import { mountOf } from '../../src/system/mounts.ts';
import {
  commandLineOf,
  controlGroupsOf,
  hasInEnvironment,
  hasMembers,
  mayStillRun,
  processesHolding,
  processView,
  runningProcesses,
  startTimeOf,
} from '../../src/system/processes.ts';
import { addProcess, BLIND_PROCS, makeOddProc, ODD_PROCS } from '../support/odd-proc.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A process group of its own that sleeps until the test lets go of it. */
function sleeper(): AsyncDisposable & { readonly pid: number } {
  const child = execa('sleep', ['600'], { reject: false, stdio: 'ignore', detached: true });
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child;
    },
  };
}

describe.each(ODD_PROCS)('where /proc is %s', (kind) => {
  test('a process that lives may still run, whatever its start, and one that is gone does not', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    await using child = sleeper();
    for (const startTime of [startTimeOf(child.pid), null, '', '1']) {
      expect(mayStillRun(child.pid, startTime, proc)).toBe(true);
    }
    for (const pid of [4_194_305, 0, -1, -child.pid, Number.NaN, 1.5]) expect(mayStillRun(pid, null, proc)).toBe(false);
    expect(hasMembers(child.pid)).toBe(true);
  });

  test('nothing is said of a process that cannot be seen, and nothing is thrown', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    await using child = sleeper();
    expect(startTimeOf(child.pid, proc)).toBeNull();
    expect(commandLineOf(child.pid, proc)).toBe('');
    expect(controlGroupsOf(child.pid, proc)).toBe('');
    expect(hasInEnvironment(child.pid, 'PATH', process.env['PATH'] ?? '', proc)).toBe(false);
    expect(processesHolding('', proc)).toEqual([]);
    expect(runningProcesses(proc).map(({ pid }) => pid)).toEqual(kind === 'hiding others' ? [process.pid] : []);
    expect(processView(proc)).toBe(kind === 'hiding others' ? 'own' : 'none');
  });

  test('this run of the machine has a name anyway', () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    expect(kernelBootId(`${proc}/sys/kernel/random/boot_id`)).toBeNull();
    expect(bootId(`${proc}/sys/kernel/random/boot_id`)).toMatch(/^began-\d+$/);
  });

  test('no mount is made up', () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    expect(readMountTable(`${proc}/self/mountinfo`)).toEqual([]);
    expect(mountOf('/', `${proc}/self/mountinfo`)).toBeNull();
  });

  test('it is not known which descriptors are inherited, and none is closed', () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    expect(closeInheritedDescriptors([], {}, `${proc}/self`)).toBeNull();
  });

  test('the facts of the machine say so', () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, kind);
    expect(readMachineFacts({ proc, shm: scratch.at('none') })).toEqual({
      processes: kind === 'hiding others' ? 'own' : 'none',
      descriptors: kind === 'garbled',
      mounts: false,
      bootId: false,
      sharedMemory: false,
    });
  });
});

describe('where /proc shows other users’ processes and nothing inside of them (hidepid=1)', () => {
  test('only those of this user are seen, and the others may run', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, 'hiding others');
    await using child = sleeper();
    mkdirSync(`${proc}/1`);
    mkdirSync(`${proc}/${child.pid}`);
    expect(processView(proc)).toBe('own');
    expect(runningProcesses(proc).map(({ pid }) => pid)).toEqual([process.pid]);
    expect(mayStillRun(child.pid, '1', proc)).toBe(true);
  });
});

describe('a process that ends while it is read', () => {
  test('is left out when its folder is still listed and empty', () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, 'hiding others');
    addProcess(proc, 1);
    mkdirSync(`${proc}/4194304`);
    expect(processView(proc)).toBe('all');
    expect(runningProcesses(proc).map(({ pid }) => pid)).toEqual([1, process.pid]);
  });

  test.each(['Z', 'X', 'x'])('has ended when its state is %s, though it has its number still', async (state) => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, 'hiding others');
    await using child = sleeper();
    addProcess(proc, child.pid, (stat) => stat.replace(/\) [A-Za-z] /, `) ${state} `));
    expect(mayStillRun(child.pid, null, proc)).toBe(false);
    expect(startTimeOf(child.pid, proc)).toBeNull();
    expect(runningProcesses(proc).map(({ pid }) => pid)).toEqual([process.pid]);
  });

  test('does not run any more when it went between the two looks at it', async () => {
    using scratch = scratchFolder();
    const proc = makeOddProc(scratch, 'hiding others');
    // The reader opens the pipe; then the process ends, its parent notices, and the reader gets an empty file.
    const script =
      'sleep 600 & mkdir "$0/$!"; mkfifo "$0/$!/stat"; echo $!; exec 3>"$0/$!/stat"; kill -9 $!; wait $!; exit 0';
    const parent = execa('sh', ['-c', script, proc], { stderr: 'ignore' });
    const pid = await new Promise<number>((resolve) => {
      parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    });
    expect(mayStillRun(pid, '1', proc)).toBe(false);
    await parent;
  });

  test('throws nothing while hundreds of others begin and end', async () => {
    const busy = execa('sh', ['-c', 'i=0; while [ $i -lt 300 ]; do /bin/true & i=$((i+1)); done; wait'], {
      stdio: 'ignore',
    });
    let isOver = false;
    void busy.then(() => {
      isOver = true;
    });
    let looks = 0;
    while (!isOver) {
      expect(runningProcesses().some(({ pid }) => pid === process.pid)).toBe(true);
      processesHolding('/nothing has this name');
      looks += 1;
      await new Promise(setImmediate);
    }
    expect(looks).toBeGreaterThan(0);
  });
});

describe('the number of a process that is gone', () => {
  test('counts as the owner’s only with the same start', async () => {
    await using child = sleeper();
    const startTime = startTimeOf(child.pid);
    expect(mayStillRun(child.pid, startTime)).toBe(true);
    expect(mayStillRun(child.pid, `${Number(startTime) + 1}`)).toBe(false);
  });
});

describe('core dumps', () => {
  test.each(BLIND_PROCS)('are switched off without a fault where /proc is %s', async (kind) => {
    using scratch = scratchFolder();
    const limits = `${makeOddProc(scratch, kind)}/self/limits`;
    const faults: string[] = [];
    await limitCoreDumps(true, (why) => faults.push(why), limits);
    await limitCoreDumps(false, (why) => faults.push(why), limits);
    expect(faults).toEqual([]);
    const { stdout } = await execa('prlimit', [`--pid=${process.pid}`, '--core', '--output=SOFT', '--noheadings']);
    expect(stdout.trim()).toBe('0');
  });
});

describe('shared memory', () => {
  test('is there where a folder can be written, and not where a file or a dangling link is', () => {
    using scratch = scratchFolder();
    const facts = () => readMachineFacts({ shm: scratch.at('shm') }).sharedMemory;
    mkdirSync(scratch.at('shm'));
    expect(facts()).toBe(true);
    rmSync(scratch.at('shm'), { recursive: true });
    writeFileSync(scratch.at('shm'), '', { mode: 0o777 });
    expect(facts()).toBe(false);
    rmSync(scratch.at('shm'));
    symlinkSync(scratch.at('nowhere'), scratch.at('shm'));
    expect(facts()).toBe(false);
  });
});
