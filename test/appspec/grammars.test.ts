import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAclEntry } from '../../src/appspec/acl-entry.ts';
import { appSpecCandidates } from '../../src/appspec/filenames.ts';
import { parseSelinuxRange } from '../../src/appspec/selinux-range.ts';
import { nearestWord } from '../../src/appspec/suggest.ts';

describe('ACL entries', () => {
  test.each([
    ['bob:rw', 'user:bob:rw-'],
    ['u:bob:7', 'user:bob:rwx'],
    ['group:web:r-x', 'group:web:r-x'],
    ['m:rx', 'mask::r-x'],
    ['mask::0', 'mask::---'],
    ['d:u::rwx', 'default:user::rwx'],
    ['default:g:web:x', 'default:group:web:--x'],
    ['d:o::4', 'default:other::r--'],
  ])('%s is %s', (text, entry) => {
    expect(parseAclEntry(text)).toEqual({ ok: true, entry });
  });
  test.each([
    ['bob', 'two to four parts'],
    ['a:b:c:d', 'd or default'],
    ['x:bob:rw', "'x' is none of"],
    ['u::rw', 'mode'],
    ['o::rw', 'mode'],
    ['mask:bob:rw', 'takes no name'],
    ['u:bob:rwz', "'z' is no permission"],
    ['u:bob:8', "'8' is no permission"],
    ['u:bob:', 'missing'],
    ['d:u:bob,o:rwx', 'is no name'],
    ['u:bob smith:r', 'is no name'],
  ])('%s is wrong: %s', (text, problem) => {
    expect(parseAclEntry(text)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });
  test('the canonical form reads as itself', () => {
    const part = fc.constantFrom('u', 'user', 'g', 'm', 'mask', 'o', 'd', 'default', 'bob', '', 'rw', 'rwx', '7', '-');
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), (parts) => {
        const read = parseAclEntry(parts.join(':'));
        if (read.ok) expect(parseAclEntry(read.entry)).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('SELinux ranges', () => {
  test.each([
    ['s0', 's0'],
    ['s0-s15', 's0-s15'],
    ['s0:c1', 's0:c1'],
    ['s0:c3,c1,c2', 's0:c1.c3'],
    ['s0-s1:c0.c1023', 's0-s1:c0.c1023'],
    ['s0:c1.c2,c4', 's0:c1.c2,c4'],
  ])('%s is %s', (text, range) => {
    expect(parseSelinuxRange(text)).toEqual({ ok: true, range });
  });
  test.each(['', 'x0', 's1-s0', 's0:c1024', 's0:c2.c1', 's0:c1,c1', 's0:c1:c2', 's0:', 's0:c1.c1'])(
    '%j is wrong',
    (text) => {
      expect(parseSelinuxRange(text).ok).toBe(false);
    },
  );
  test('a normalised range reads as itself', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1 }), (categories) => {
        const read = parseSelinuxRange(`s0:${categories.map((category) => `c${category}`).join(',')}`);
        expect(read.ok && parseSelinuxRange(read.range)).toEqual(read);
      }),
    );
  });
});

test('the requested AppSpec file comes first, and none is looked for twice', () => {
  expect(appSpecCandidates('appspec.yml')).toEqual(['appspec.yml', 'appspec.yaml']);
  expect(appSpecCandidates('deploy/web.yml')).toEqual(['deploy/web.yml', 'appspec.yaml', 'appspec.yml']);
});

test('only a near word is suggested', () => {
  expect(nearestWord('AfterInstal', ['AfterInstall', 'BeforeInstall'])).toBe('AfterInstall');
  expect(nearestWord('Something', ['AfterInstall', 'BeforeInstall'])).toBeNull();
});
