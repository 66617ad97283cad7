import { describe, expect, test } from 'vitest';
import { describeLostAbilities, lostAbilities } from '../../src/system/lost-abilities.ts';
import type { MachineFacts } from '../../src/system/machine-facts.ts';

const WHOLE: MachineFacts = { processes: 'all', descriptors: true, mounts: true, bootId: true, sharedMemory: true };
const WITHOUT_PROC: MachineFacts = { ...WHOLE, processes: 'none', descriptors: false, mounts: false, bootId: false };

describe('what a machine lacks', () => {
  test('is nothing where all is there', () => {
    expect(lostAbilities(WHOLE)).toEqual([]);
    expect(describeLostAbilities([])).toBe('');
  });

  test.each([
    [{ processes: 'own' }, 'other users’ processes', 'as another user', 'hidepid=0'],
    [{ processes: 'none' }, '/proc of this PID namespace', 'not found and not ended', 'mount -t proc'],
    [{ descriptors: false }, '/proc/self/fd', 'may go on to scripts', 'mount -t proc'],
    [{ mounts: false }, '/proc/self/mountinfo', 'bind mount', 'mount -t proc'],
    [{ bootId: false }, 'boot id', 'a clock that is set', 'mount -t proc'],
    [{ sharedMemory: false }, '/dev/shm', 'pipes', 'mount -t tmpfs'],
  ] satisfies [Partial<MachineFacts>, string, string, string][])(
    'is said with what follows and what to do: %j',
    (facts, missing, lost, remedy) => {
      const [only, ...others] = lostAbilities({ ...WHOLE, ...facts });
      expect(others).toEqual([]);
      expect(only?.missing).toContain(missing);
      expect(only?.lost.join('; ')).toContain(lost);
      expect(only?.remedy).toContain(remedy);
    },
  );

  test('is /proc as a whole where nothing of it is there, with all that follows and one remedy', () => {
    const [proc, ...others] = lostAbilities(WITHOUT_PROC);
    expect(others).toEqual([]);
    expect(proc?.missing).toMatch(/^\/proc/);
    for (const one of ['not found and not ended', 'may go on to scripts', 'bind mount', 'a clock that is set']) {
      expect(proc?.lost.join('; ')).toContain(one);
    }
  });

  test('is one line, whatever it is', () => {
    const text = describeLostAbilities(lostAbilities({ ...WITHOUT_PROC, sharedMemory: false }));
    expect(text).not.toContain('\n');
    expect(text.match(/is missing: /g)).toHaveLength(2);
    expect(text.match(/mount -t proc/g)).toHaveLength(1);
  });
});
