import { existsSync, fstatSync, mkdirSync, readdirSync, statSync, utimesSync, writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { createOutputPipes, type OutputPipe } from '../../src/hooks/output-pipe.ts';
import { processesHolding } from '../../src/system/processes.ts';
import { scratchFolder } from '../support/scratch.ts';

/** `sleep` with the pipe as its output. */
function holder(pipe: OutputPipe) {
  return execa('sleep', ['600'], { stdin: 'ignore', stdout: pipe.writeEnd as 9, stderr: 'ignore', reject: false });
}

describe('an output pipe', () => {
  test('brings what is written, and ends when nobody holds it', async () => {
    const { stdout, stderr } = await createOutputPipes(['stdout', 'stderr']);
    expect(fstatSync(stdout.writeEnd).isFIFO()).toBe(true);
    writeSync(stdout.writeEnd, 'out');
    writeSync(stderr.writeEnd, 'err');
    stdout.closeWriteEnd();
    stderr.closeWriteEnd();
    expect(await Promise.all([text(stdout.stream), text(stderr.stream)])).toEqual(['out', 'err']);
    stdout.close();
    stderr.close();
  });

  test('is made in the agent’s own folder, from which what a killed agent has left is removed', async () => {
    using scratch = scratchFolder();
    const own = scratch.at('own');
    const [left, fresh] = ['slipway-Older1', 'slipway-Fresh1'].map((name) => scratch.at('own', name)) as [
      string,
      string,
    ];
    for (const folder of [left, fresh]) mkdirSync(folder, { recursive: true });
    utimesSync(left, 0, 0);
    const { stdout } = await createOutputPipes(['stdout'], own);
    expect(fstatSync(stdout.writeEnd).dev).toBe(statSync(own).dev);
    expect(readdirSync(own)).toEqual(['slipway-Fresh1']);
    stdout.close();
  });

  test('is made elsewhere where the agent’s own folder cannot be', async () => {
    const { stdout } = await createOutputPipes(['stdout'], '/dev/null/own');
    expect(fstatSync(stdout.writeEnd).isFIFO()).toBe(true);
    stdout.close();
  });

  test('has no name that anybody could open', async () => {
    const { stdout } = await createOutputPipes(['stdout']);
    const [, name = ''] = /^(.*) \(deleted\)$/.exec(stdout.nameEnd) ?? [];
    expect(name).toMatch(/^slipway-pipes-\d+-\d+-\d+-\w+\/stdout$/);
    for (const folder of ['/dev/shm', '/tmp']) expect(existsSync(`${folder}/${name.split('/')[0]}`)).toBe(false);
    stdout.close();
    stdout.close();
  });

  test('tells who holds it, and only who holds this one', async () => {
    const { stdout, stderr } = await createOutputPipes(['stdout', 'stderr']);
    const [first, second] = [holder(stdout), holder(stderr)];
    expect(processesHolding(stdout.nameEnd)).toEqual([{ pid: first.pid, commandLine: 'sleep 600' }]);
    expect(processesHolding(stderr.nameEnd)).toEqual([{ pid: second.pid, commandLine: 'sleep 600' }]);
    for (const child of [first, second]) child.kill('SIGKILL');
    await Promise.all([first, second]);
    stdout.close();
    stderr.close();
  });
});
