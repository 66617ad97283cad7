import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, rmSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createPipeSupply, type ScriptPipes } from '../../src/hooks/pipe-supply.ts';
import { scratchFolder } from '../support/scratch.ts';

/** Descriptors of this process that lead into a folder. */
const openedBelow = (folder: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

function closeBoth({ stdout, stderr }: ScriptPipes): void {
  for (const pipe of [stdout, stderr]) pipe.close();
}

describe('a supply of pipes', () => {
  test('gives each script pipes of its own, more often than it makes them at once', async () => {
    using scratch = scratchFolder();
    using supply = createPipeSupply(scratch.at('pipes'));
    const seen = new Set<string>();
    for (let n = 0; n < 12; n += 1) {
      const { stdout, stderr } = await supply.take();
      for (const pipe of [stdout, stderr]) {
        seen.add(pipe.nameEnd);
        writeSync(pipe.writeEnd, `${n}`);
        const [chunk] = (await once(pipe.stream, 'data')) as [Buffer];
        expect(chunk.toString()).toBe(`${n}`);
        pipe.close();
      }
    }
    expect(seen.size).toBe(24);
  });

  test('leaves no names behind, and no descriptors when it is disposed of', async () => {
    using scratch = scratchFolder();
    const folder = scratch.at('pipes');
    {
      using supply = createPipeSupply(folder);
      const { stdout, stderr } = await supply.take();
      expect(readdirSync(folder)).toEqual([]);
      expect(openedBelow(folder)).toBeGreaterThan(6);
      for (const pipe of [stdout, stderr]) {
        pipe.close();
        await once(pipe.stream, 'close');
      }
    }
    expect(openedBelow(folder)).toBe(0);
  });

  test('a supply of pipes that was refilled gives the next scripts pipes without making new ones', async () => {
    using scratch = scratchFolder();
    const folder = scratch.at('pipes');
    using supply = createPipeSupply(folder);
    await supply.refill();
    expect(existsSync(folder)).toBe(false);
    for (let n = 0; n < 5; n += 1) closeBoth(await supply.take());
    await Promise.all([supply.refill(), supply.refill()]);
    // Were one made now, it could not lie there.
    rmSync(folder, { recursive: true });
    for (let n = 0; n < 5; n += 1) {
      const pipes = await supply.take();
      expect(pipes.stdout.nameEnd).toContain('stdout-');
      closeBoth(pipes);
    }
    expect(existsSync(folder)).toBe(false);
  });

  test('gives each of many scripts that ask at the same time pipes of its own', async () => {
    using scratch = scratchFolder();
    using supply = createPipeSupply(scratch.at('pipes'));
    const taken = await Promise.all([...Array.from({ length: 12 }, () => supply.take()), supply.refill()]);
    const pipes = taken.flatMap((one) => (one === undefined ? [] : [one.stdout, one.stderr]));
    expect(new Set(pipes.map(({ writeEnd }) => writeEnd)).size).toBe(24);
    for (const pipe of pipes) pipe.close();
  });

  test('a supply of pipes of a folder that cannot be used makes pipes where everybody may', async () => {
    using supply = createPipeSupply('/dev/null/own');
    const { stdout, stderr } = await supply.take();
    expect(existsSync('/dev/null/own')).toBe(false);
    for (const pipe of [stdout, stderr]) pipe.close();
  });
});
