import { describe, expect, test } from 'vitest';
import { mountAmong, mountOf } from '../../src/system/mounts.ts';

const TABLE = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '30 22 0:25 / /srv rw,nosuid,noexec - tmpfs none rw',
  '31 22 0:26 / /srv/with\\040blank ro - tmpfs none rw',
  '32 22 0:27 / /mnt rw master:2 propagate_from:3 - nfs host:/x ro,vers=4',
  '33 22 0:28 / /srv ro - tmpfs none rw',
].join('\n');

describe('the mount of a path', () => {
  test.each([
    ['/srvx/a', '/', 'rw'],
    ['/srv/with blank/a', '/srv/with blank', 'ro'],
    ['/mnt/a/b', '/mnt', 'ro'],
    ['/srv', '/srv', 'ro'],
  ])('the mount of %s is %s', (path, mountPoint, option) => {
    const mount = mountAmong(TABLE, path);
    expect(mount?.mountPoint).toBe(mountPoint);
    expect(mount?.options.has(option)).toBe(true);
  });

  test('covers what was mounted in the same place before', () => {
    expect(mountAmong(TABLE, '/srv/a')?.options.has('noexec')).toBe(false);
  });

  test('is found for a path that is not there, too', () => {
    expect(mountOf('/proc/none/of/this')?.mountPoint).toBe('/proc');
  });
});
