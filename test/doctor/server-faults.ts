import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { runSlipway, startDaemon } from '../support/slipway.ts';
import type { Fault, Ground } from './fault.ts';
import { execStart, fill, machineWithService, mounted, NEEDS_ROOT } from './planting.ts';
import {
  askServerDoctor,
  changeDatabase,
  hostRow,
  processDoing,
  serverOnPorts,
  strangeMasterKey,
  usedDataDir,
} from './server-planting.ts';

const ANYBODY = 65_534;

/** The data folder of a server: its database, its master key, its disk; and what the database tells of hosts. */
export const SERVER_FAULTS: readonly Fault[] = [
  {
    name: 'The database of a server is no database any more',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      writeFileSync(join(dataDir, 'slipway.db'), Buffer.alloc(65_536, 'no database'));
      return askServerDoctor(dataDir, { finds: 'database', detail: /damaged/, remedy: /restore a copy/ });
    },
  },
  {
    name: 'Pages of the database of a server are damaged',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      const file = join(dataDir, 'slipway.db');
      changeDatabase(dataDir, ...Array.from({ length: 200 }, (_, index) => hostRow(`host-${index}`, 0)));
      scribble(file);
      return askServerDoctor(dataDir, { finds: 'database', detail: /damaged/, remedy: /restore a copy/ });
    },
  },
  {
    name: 'The database of a server was made by a newer version',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      changeDatabase(dataDir, 'insert into slipway_migrations (step) values (99)');
      return askServerDoctor(dataDir, { finds: 'database', detail: /newer/, remedy: /Install the newer version/ });
    },
  },
  {
    name: 'Another program keeps the database of a server locked',
    async plant(ground) {
      const { dataDir } = await serverOnPorts(ground);
      const pid = await processDoing(
        ground,
        `import { DatabaseSync } from 'node:sqlite';
        const database = new DatabaseSync(${JSON.stringify(join(dataDir, 'slipway.db'))}, { timeout: 5000 });
        database.exec('begin immediate');
        console.log('locked');
        setInterval(() => database, 1000);`,
      );
      const detail = new RegExp(`locked by another process: .*PID ${pid}`);
      return askServerDoctor(dataDir, { finds: 'database', detail, remedy: new RegExp(`kill ${pid}`) });
    },
  },
  {
    name: 'The database of a server is gone from beside its master key',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      for (const name of readdirSync(dataDir).filter((file) => file.startsWith('slipway.db')))
        rmSync(join(dataDir, name));
      return askServerDoctor(dataDir, { finds: 'database', detail: /not there/, remedy: /Restore slipway\.db/ });
    },
  },
  {
    name: 'The master key of a server is gone',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      rmSync(join(dataDir, 'master.key'));
      return askServerDoctor(dataDir, { finds: 'master key', detail: /missing/, remedy: /Put that very file back/ });
    },
  },
  {
    name: 'The master key of a server is that of another one',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      cpSync(await strangeMasterKey(ground), join(dataDir, 'master.key'));
      return askServerDoctor(dataDir, { finds: 'master key', detail: /does not open/, remedy: /right master\.key/ });
    },
  },
  {
    name: 'The master key of a server may be read by everybody',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      chmodSync(join(dataDir, 'master.key'), 0o644);
      return askServerDoctor(dataDir, { finds: 'master key', detail: /mode 644/, remedy: /chmod 600/ });
    },
  },
  {
    name: 'The database of a server belongs to root, and the service runs as another user',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      for (const name of ['.', 'master.key']) chownSync(join(dataDir, name), ANYBODY, ANYBODY);
      const PATH = serverService(ground, dataDir, { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' });
      const remedy = new RegExp(`chown -R nobody: ${dataDir}`);
      return askService({ env: { PATH }, finds: `folder ${dataDir}`, detail: /cannot be written by nobody/, remedy });
    },
  },
  {
    name: 'The disk of a server’s data folder is full',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const disk = mounted(ground, 'disk', 'size=20m');
      const dataDir = await usedDataDir(ground, join(disk, 'data'));
      fill(disk);
      return askServerDoctor(dataDir, { finds: 'disk', detail: /full/, remedy: /^Make room: `du -xh.*S3 client/ });
    },
  },
  {
    name: 'The disk of a server’s bundle store has no inodes left',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      const disk = mounted(ground, 'disk', 'size=100m,nr_inodes=100');
      rmSync(join(dataDir, 's3'), { recursive: true });
      mkdirSync(join(disk, 'store'));
      symlinkSync(join(disk, 'store'), join(dataDir, 's3'));
      return askServerDoctor(dataDir, { finds: 'disk', detail: /no inodes left.*s3/, remedy: /--inodes/ });
    },
  },
  {
    name: 'The data folder of a server is on a mount that is read-only',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const disk = mounted(ground, 'disk', 'size=100m,ro');
      return askServerDoctor(disk, { finds: `folder ${disk}`, detail: /read-only/, remedy: /mount -o remount,rw/ });
    },
  },
  {
    name: 'A host was heard of an hour ago, and others are heard of',
    async plant(ground) {
      const { dataDir } = await serverOnPorts(ground);
      changeDatabase(dataDir, hostRow('here', 0), hostRow('away', -3_600_000));
      return askServerDoctor(dataDir, { finds: 'hosts', detail: /SILENT: away/, remedy: /slipway doctor/ });
    },
  },
  {
    name: 'The only key of a host was disabled, and the host is still registered',
    async plant(ground) {
      const server = await ground.ownServer();
      const made = await runSlipway(
        [
          'register',
          '--instance-name',
          'web-1',
          '--config-dir',
          join(ground.folder, 'conf'),
          '--state-dir',
          ground.folder,
        ],
        server.env,
      );
      if (made.status !== 0) throw new Error(made.stderr);
      const keys = await runSlipway(['keys', 'list', '--json', '--data-dir', server.dataDir]);
      const key = (JSON.parse(keys.stdout) as { accessKeyId: string; role: string }[]).find(
        ({ role }) => role === 'host',
      );
      await runSlipway(['keys', 'disable', key?.accessKeyId ?? '', '--data-dir', server.dataDir]);
      const remedy = /register --force.*hosts deregister/;
      return askServerDoctor(server.dataDir, { finds: 'host keys', detail: /KEY DISABLED.*web-1/, remedy });
    },
  },
  {
    name: 'Two agents were seen with the identity of one host',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      changeDatabase(dataDir, hostRow('clone', 0, 0));
      const remedy = /register --force --instance-name/;
      return askServerDoctor(dataDir, { finds: 'identity used twice', detail: /clone/, remedy });
    },
  },
  {
    name: 'The clock of a server’s machine was set back by twenty minutes',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      changeDatabase(dataDir, hostRow('web-1', 1_200_000));
      return askServerDoctor(dataDir, { finds: 'clock', detail: /behind/, remedy: /timedatectl set-ntp true/ });
    },
  },
  {
    name: 'The service of the server ends again and again',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      const state = { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '12', Result: 'exit-code' };
      const PATH = serverService(ground, dataDir, { ...state, ExecMainStatus: '2' });
      const remedy = /last words.*journalctl -u slipway-server/;
      return askService({ env: { PATH }, finds: 'service', detail: /again and again.*the last words/, remedy });
    },
  },
  {
    name: 'The file of settings of the server’s service has an address that is none',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      const file = join(ground.folder, 'server.env');
      writeFileSync(file, '# where to listen\nSLIPWAY_LISTEN="0.0.0.0"\n');
      const PATH = serverService(ground, dataDir, {
        ...{ ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' },
        EnvironmentFiles: `${file} (ignore_errors=yes)`,
      });
      return askService({ env: { PATH }, finds: 'settings', detail: /SLIPWAY_LISTEN/, remedy: /server\.env/ });
    },
  },
  {
    name: 'A server is halted by a signal',
    async plant(ground) {
      const { dataDir, daemon } = await serverOnPorts(ground);
      daemon.kill('SIGSTOP');
      ground.after.defer(() => daemon.kill('SIGCONT'));
      const remedy = new RegExp(`kill -CONT ${daemon.pid}`);
      return askServerDoctor(dataDir, { finds: 'server', detail: /halted/, remedy });
    },
  },
  {
    name: 'A server may have few files open, and many hosts come',
    async plant(ground) {
      const dataDir = await usedDataDir(ground);
      changeDatabase(dataDir, ...Array.from({ length: 100 }, (_, index) => hostRow(`host-${index}`, 0)));
      const words = ['server', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--s3-listen', '127.0.0.1:0'];
      const program = join(ground.folder, 'limited.cjs');
      // Node raises the soft limit to the hard one, so the shell lowers both.
      writeFileSync(
        program,
        `const { spawn } = require('node:child_process');
        const child = spawn('sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, ${JSON.stringify(join(import.meta.dirname, '../../bin/slipway.js'))}, ...process.argv.slice(2)], { stdio: 'inherit' });
        process.on('SIGTERM', () => child.kill('SIGTERM'));
        child.on('exit', () => process.exit(0));`,
      );
      const daemon = ground.after.use(startDaemon(words, { program, stderrFile: join(ground.folder, 'server.log') }));
      await daemon.firstLine;
      return askServerDoctor(dataDir, { finds: 'open files', detail: /256/, remedy: /ulimit -n 65536/ });
    },
  },
];

/** A machine with the server's service, which runs as nobody. @returns PATH */
function serverService(ground: Ground, dataDir: string, properties: Readonly<Record<string, string>>): string {
  const ExecStart = execStart('').replace(/agent --config-file /, `server --data-dir ${dataDir}`);
  return machineWithService(ground, { User: 'nobody', ...properties, ExecStart });
}

function askService(question: Parameters<typeof askServerDoctor>[1]) {
  return { args: ['server', 'doctor', '--json'], ...question };
}

/** Overwrites pages behind the first ones, which say what tables there are. */
function scribble(file: string): void {
  const page = 4096;
  const pages = Math.floor(statSync(file).size / page);
  const opened = openSync(file, 'r+');
  for (let index = Math.floor(pages / 2); index < pages; index += 1) {
    writeSync(opened, Buffer.alloc(page, 0xaa), 0, page, index * page);
  }
  closeSync(opened);
}
