import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault } from './fault.ts';
import { askDoctor, configure, execStart, fill, machineWithService, mounted, NEEDS_ROOT } from './planting.ts';

const ANYBODY = 65_534;
const QUOTAS = 'size=100m,usrquota,usrquota_block_hardlimit=64k';

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
    name: 'The quota of the service’s user is used up where root_dir is',
    missing: NEEDS_ROOT ?? missingQuotas(),
    async plant(ground) {
      const host = await ground.host();
      const disk = mounted(ground, 'disk', QUOTAS);
      chownSync(disk, ANYBODY, ANYBODY);
      configure(host, { root_dir: disk });
      const PATH = machineWithService(ground, { User: 'nobody', ExecStart: execStart(host.configFile) });
      const env = { PATH };
      return askDoctor(host, { env, finds: 'folder', detail: /quota exceeded/i, remedy: /quota of nobody is used up/ });
    },
  },
  {
    name: 'The root_dir may not be changed, by nobody',
    missing: NEEDS_ROOT ?? missingMarks(),
    async plant(ground) {
      const host = await ground.host();
      mkdirSync(host.rootDir, { recursive: true });
      execFileSync('chattr', ['+i', host.rootDir]);
      ground.after.defer(() => void execFileSync('chattr', ['-i', host.rootDir]));
      return askDoctor(host, { finds: `folder ${host.rootDir}`, remedy: /chattr -i/ });
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

/** The reason why no quota can be planted here; null: it can. */
function missingQuotas(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-quota-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', QUOTAS, 'slipway-test', folder]);
  if (status === 0) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? null : 'the kernel knows no quotas of tmpfs';
}

/** The reason why no file can be marked here as one that may not be changed; null: it can. */
function missingMarks(): string | null {
  const scratch = fileURLToPath(new URL('../../.scratch/', import.meta.url));
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, 'marks-'));
  const { status } = spawnSync('chattr', ['+i', folder]);
  spawnSync('chattr', ['-i', folder]);
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? null : 'chattr +i does not work on this file system';
}
