import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldersToPrune, type RetentionLimits, type RevisionFolder } from '../../src/deployment/retention.ts';

const group = fc.uniqueArray(fc.record({ path: fc.string(), modifiedMs: fc.nat(50), sizeBytes: fc.nat(100) }), {
  selector: ({ path }) => path,
  maxLength: 20,
});

describe('retention', () => {
  test('keeps the newest, counts the current one, and never takes a protected one', () => {
    expect(prune([30, 10, 20, 40, 50], 3)).toEqual(['r10', 'r20']);
    expect(prune([30, 10, 20, 40, 50], 3, ['r10', 'r50'])).toEqual(['r20', 'r30']);
    expect(prune([10, 20], 2)).toEqual([]);
    expect(prune([10, 20], 1, ['r10', 'r20'])).toEqual([]);
  });

  test('for any group: no more than may be, oldest first, nothing protected', () => {
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 10 }), fc.array(fc.nat(30)), (folders, max, picks) => {
        const safe = new Set(picks.map((pick) => folders[pick]?.path));
        const pruned = foldersToPrune(folders, count(max), (path) => safe.has(path));
        const left = folders.filter(({ path }) => !pruned.includes(path));
        const unprotected = left.filter(({ path }) => !safe.has(path));

        expect(new Set(pruned).size).toBe(pruned.length);
        expect(pruned.filter((path) => safe.has(path))).toEqual([]);
        // Too many are left only when all that are left are protected.
        expect(left.length <= max || unprotected.length === 0).toBe(true);
        // And no more went than had to.
        expect(pruned.length).toBeLessThanOrEqual(Math.max(0, folders.length - max));
        const newestGone = Math.max(
          -1,
          ...folders.filter(({ path }) => pruned.includes(path)).map((f) => f.modifiedMs),
        );
        for (const folder of unprotected) expect(folder.modifiedMs).toBeGreaterThanOrEqual(newestGone);
      }),
    );
  });

  test('within a budget of bytes takes the oldest until the rest fits, and never a protected one', () => {
    fc.assert(
      fc.property(group, fc.nat(1000), fc.array(fc.nat(30)), (folders, maxBytes, picks) => {
        const safe = new Set(picks.map((pick) => folders[pick]?.path));
        const pruned = foldersToPrune(folders, { maxRevisions: 100, maxBytes }, (path) => safe.has(path));
        const bytes = (gone: readonly string[]) =>
          folders.filter(({ path }) => !gone.includes(path)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect(pruned.filter((path) => safe.has(path))).toEqual([]);
        const allProtected = folders.every(({ path }) => pruned.includes(path) || safe.has(path));
        expect(bytes(pruned) <= maxBytes || allProtected).toBe(true);
        // One less would not have been enough.
        if (pruned.length > 0) expect(bytes(pruned.slice(0, -1))).toBeGreaterThan(maxBytes);
      }),
    );
  });

  test('does not depend on the order in which the disk lists them', () => {
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 5 }), (folders, max) => {
        const never = () => false;
        expect(foldersToPrune([...folders].reverse(), count(max), never)).toEqual(
          foldersToPrune(folders, count(max), never),
        );
      }),
    );
  });
});

function count(maxRevisions: number): RetentionLimits {
  return { maxRevisions, maxBytes: null };
}

function prune(times: readonly number[], max: number, isProtected: readonly string[] = []): readonly string[] {
  const folders: RevisionFolder[] = times.map((modifiedMs) => ({
    path: `r${modifiedMs}`,
    modifiedMs,
    sizeBytes: null,
  }));
  return foldersToPrune(folders, count(max), (path) => isProtected.includes(path));
}
