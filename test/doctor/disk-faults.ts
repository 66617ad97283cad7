import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './fault.ts';
import { askDoctor, configure, fill, mounted, NEEDS_ROOT } from './planting.ts';

/** The folders of the agent and what they are on. */
export const DISK_FAULTS: readonly Fault[] = [
  {
    name: 'The disk of root_dir is full',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const host = await ground.host();
      const disk = mounted(ground, 'disk', 'size=20m');
      fill(disk);
      configure(host, { root_dir: disk });
      return askDoctor(host, { finds: 'disk', detail: /full/, remedy: /^Make room: `du -xh/ });
    },
  },
  {
    name: 'The disk of root_dir has room and no inodes',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const host = await ground.host();
      const disk = mounted(ground, 'disk', 'size=100m,nr_inodes=220');
      for (let index = 0; index < 60; index += 1) writeFileSync(join(disk, String(index)), '');
      configure(host, { root_dir: disk });
      return askDoctor(host, { finds: 'disk', detail: /no inodes left/, remedy: /--inodes.*not what is missing/ });
    },
  },
  {
    name: 'The root_dir is on a mount that runs no programs',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const host = await ground.host();
      const disk = mounted(ground, 'disk', 'size=100m,noexec');
      configure(host, { root_dir: join(disk, 'root') });
      return askDoctor(host, { finds: 'scripts', detail: /noexec/, remedy: /mount -o remount,exec .*disk`/ });
    },
  },
  {
    name: 'The root_dir is on a mount that is read-only',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const host = await ground.host();
      const disk = mounted(ground, 'disk', 'size=100m,ro');
      configure(host, { root_dir: join(disk, 'root') });
      return askDoctor(host, { finds: 'folder', detail: /read-only/, remedy: /mount -o remount,rw .*disk`/ });
    },
  },
  {
    name: 'A file is where root_dir must be',
    async plant(ground) {
      const host = await ground.host();
      rmSync(host.rootDir, { recursive: true, force: true });
      mkdirSync(join(host.rootDir, '..'), { recursive: true });
      writeFileSync(host.rootDir, '');
      return askDoctor(host, { finds: 'folder', detail: /is no folder/, remedy: /Move .* away/ });
    },
  },
];
