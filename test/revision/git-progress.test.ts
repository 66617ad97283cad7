import { describe, expect, test } from 'vitest';
import { receivedBytesIn, withoutProgress } from '../../src/revision/git-progress.ts';

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
  test('says how many bytes have come, and the last word counts', () => {
    expect(receivedBytesIn(OUTPUT.slice(0, 3).join(''))).toBe(null);
    expect(receivedBytesIn(OUTPUT.slice(0, 4).join(''))).toBe(Math.round(1023.98 * 1024));
    expect(receivedBytesIn(OUTPUT.join(''))).toBe(Math.round(1.97 * 1024 * 1024));
    expect(receivedBytesIn('Receiving objects: 100% (3/3), 239 bytes | 239.00 KiB/s, done.\n')).toBe(239);
  });

  test('is left out of what went wrong', () => {
    const wrong = ['remote: HTTP Basic: Access denied', "fatal: could not read Username for 'https://x'"];
    expect(withoutProgress([...OUTPUT, ...wrong.map((line) => `${line}\n`)].join(''))).toBe(wrong.join('\n'));
  });
});
