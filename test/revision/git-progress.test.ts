import { describe, expect, test } from 'vitest';
import { createWorkListener, ownWords, withoutProgress } from '../../src/revision/git-progress.ts';

/** As git 2.39 writes it. */
const OUTPUT = [
  'remote: Enumerating objects: 3, done.        \n',
  'remote: Counting objects:  33% (1/3)        \rremote: Counting objects: 100% (3/3), done.        \n',
  'remote: Compressing objects: 100% (2/2), done.        \n',
  'Receiving objects:  66% (2/3)\rReceiving objects:  66% (2/3), 1023.98 KiB | 955.00 KiB/s\r',
  'Receiving objects:  66% (2/3), 1.97 MiB | 963.00 KiB/s   \r',
  'remote: Total 3 (delta 0), reused 0 (delta 0), pack-reused 0        \n',
];

describe('what git writes while it fetches', () => {
  test('tells of git’s own work, wherever the pieces of it end', () => {
    const own = 'Resolving deltas:  50% (1/2)\rResolving deltas: 100% (2/2), done.\n';
    for (let cut = 0; cut <= own.length; cut += 1) {
      const isWork = createWorkListener();
      expect([own.slice(0, cut), own.slice(cut)].map(isWork)).toContain(true);
    }
  });

  test('is no work of git’s own when a server says it, wherever the pieces of it end', () => {
    const forged = 'remote: Resolving deltas:  50% (1/2)\rremote: Resolving deltas: 100% (2/2), done.        \n';
    for (let cut = 0; cut <= forged.length; cut += 1) {
      const isWork = createWorkListener();
      expect([forged.slice(0, cut), forged.slice(cut)].map(isWork)).toEqual([false, false]);
    }
    const isWork = createWorkListener();
    expect([`remote: ${'x'.repeat(100_000)}`, 'Resolving deltas: 1\n'].map(isWork)).toEqual([false, false]);
    expect(OUTPUT.map(createWorkListener())).not.toContain(true);
  });

  test('decides nothing where a server has said it', () => {
    const output = [...OUTPUT, 'remote: Authentication failed\rnot our ref\n', 'fatal: the end\n'].join('');
    expect(ownWords(output)).toBe('fatal: the end');
  });

  test('is left out of what went wrong', () => {
    const wrong = ['remote: HTTP Basic: Access denied', "fatal: could not read Username for 'https://x'"];
    expect(withoutProgress([...OUTPUT, ...wrong.map((line) => `${line}\n`)].join(''))).toBe(wrong.join('\n'));
  });
});
