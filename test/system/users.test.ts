import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { lookupGroup, lookupUser, ownUserName } from '../../src/system/users.ts';

describe('users and groups', () => {
  test('are looked up by name', () => {
    expect(lookupUser('root')).toMatchObject({ name: 'root', uid: 0, gid: 0, shell: expect.stringContaining('/') });
    expect(lookupUser('nobody')?.shell).toMatch(/nologin$|false$/);
    expect(lookupGroup('root')).toBe(0);
  });

  test.each(['no-such-user', '', '0', 'root:x', 'root\n', '-h'])('%j is nobody: a number is no name', (name) => {
    expect(lookupUser(name)).toBeNull();
    expect(lookupGroup(name)).toBeNull();
  });

  test('this process’s own is the one that the machine says', () => {
    expect(ownUserName()).toBe(execaSync('id', ['-un']).stdout);
  });
});
