import { openSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import {
  commandLineOf,
  hasInEnvironment,
  processesHolding,
  runningProcesses,
  signalProcess,
  startTimeOf,
} from '../../src/system/processes.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A process that sleeps until the test lets go of it. */
function sleeper(
  options: { readonly argv0?: string; readonly stdout?: number; readonly env?: Record<string, string> } = {},
): AsyncDisposable & { readonly pid: number } {
  const child = execa('sleep', ['600'], {
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    stdout: (options.stdout ?? 'ignore') as 'ignore',
    detached: true,
    ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child;
    },
  };
}

describe('processes', () => {
  test('are found with their parent, their group, and a start time that stays the same', async () => {
    await using child = sleeper();
    const found = runningProcesses().find(({ pid }) => pid === child.pid);
    expect(found).toEqual({
      pid: child.pid,
      parent: process.pid,
      group: child.pid,
      startTime: startTimeOf(child.pid),
    });
    expect(startTimeOf(child.pid)).toMatch(/^\d+$/);
  });

  test('are found by their environment, whole values only', async () => {
    await using child = sleeper({ env: { SLIPWAY_TEST: 'value' } });
    expect(hasInEnvironment(child.pid, 'SLIPWAY_TEST', 'value')).toBe(true);
    expect(hasInEnvironment(child.pid, 'SLIPWAY_TEST', 'val')).toBe(false);
    expect(hasInEnvironment(child.pid, 'TEST', 'value')).toBe(false);
  });

  test('are named by their command line, also when it holds brackets', async () => {
    await using child = sleeper({ argv0: 'a) S 1 (b' });
    expect(commandLineOf(child.pid)).toBe('a) S 1 (b 600');
    expect(runningProcesses().find(({ pid }) => pid === child.pid)?.parent).toBe(process.pid);
  });

  test('are found by the files that they hold open', async () => {
    using scratch = scratchFolder();
    const file = openSync(scratch.at('output'), 'w');
    await using child = sleeper({ stdout: file });
    expect(processesHolding(scratch.at('output'))).toEqual([{ pid: child.pid, commandLine: 'sleep 600' }]);
  });

  test.each([0, -0, 1, -1, 1.5, Number.NaN])('the number %d is never sent a signal', (pid) => {
    // Signal 0 of a real call would succeed for all of them that are numbers of processes or groups.
    expect(signalProcess(pid, 0 as unknown as NodeJS.Signals)).toBe(false);
  });

  test('processes that are gone have no facts, and signals to them do no harm', async () => {
    let pid: number;
    {
      await using child = sleeper();
      pid = child.pid;
      expect(signalProcess(pid, 'SIGCONT')).toBe(true);
    }
    expect(startTimeOf(pid)).toBeNull();
    expect(commandLineOf(pid)).toBe('');
    expect(hasInEnvironment(pid, 'PATH', '')).toBe(false);
    expect(signalProcess(pid, 'SIGCONT')).toBe(false);
  });

  test.each([0, 1, -1, Number.NaN, 1.5])('%s is never signalled: it would be everybody', (pid) => {
    expect(signalProcess(pid, 'SIGCONT')).toBe(false);
  });
});
