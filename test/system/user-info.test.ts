import { describe, expect, test } from 'vitest';
import { withoutUserInfo } from '../../src/system/user-info.ts';

describe('an address for programs that need no password', () => {
  test.each([
    ['http://user:secret@proxy:3128', 'http://proxy:3128'],
    ['http://token@proxy/', 'http://proxy/'],
    ['HTTPS://u:se@cret@[::1]:80/x', 'HTTPS://[::1]:80/x'],
    ['socks5h://u:secret@proxy', 'socks5h://proxy'],
    ['postgres://u:se/cret@db:5432/x', 'postgres://db:5432/x'],
    ['jdbc:postgresql://u:secret@db/x?a=b', 'jdbc:postgresql://db/x?a=b'],
    ['http://a:secret@one:1,https://b:secret@two:2', 'http://one:1,https://two:2'],
    ['u:secret@proxy:3128', 'proxy:3128'],
    ['http:/u:secret@proxy:3128', 'proxy:3128'],
    ['u:secret@tcp(db:3306)/x', 'tcp(db:3306)/x'],
    ['ssh://git:secret@host/x', 'ssh://host/x'],
  ])('%s has neither user nor password any more', (address, expected) => {
    expect(withoutUserInfo(address)).toBe(expected);
  });

  test.each([
    ['http://proxy:3128'],
    ['https://host/path/@scope/package'],
    ['ssh://git@host/repository'],
    ['git@host:repository'],
    ['someone@example.com'],
    ['/opt/bin:/usr/lib/node_modules/@scope/bin:/usr/bin'],
    ['./bin:/srv/@releases/current/bin'],
    ['\\u@\\h:\\w\\$ '],
    ['see http://host for name: a@b'],
    [''],
  ])('%j stays as it is', (text) => {
    expect(withoutUserInfo(text)).toBe(text);
  });
});
