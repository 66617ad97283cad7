import { chmodSync, chownSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  certificateEnding,
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  privateCertificates,
} from '../support/certificates.ts';
import type { Fault, Ground } from './fault.ts';
import { deadPort, execStart, machineWithService, NEEDS_ROOT } from './planting.ts';
import { askServerDoctor, processDoing, serverOnPorts } from './server-planting.ts';

/** The ports of a server, its answers, and its certificate. */
export const SERVER_NETWORK_FAULTS: readonly Fault[] = [
  {
    name: 'Another process has the port of a server',
    async plant(ground) {
      const port = await deadPort();
      const pid = await processDoing(
        ground,
        `import { createServer } from 'node:net';
        createServer().listen(${port}, '0.0.0.0', () => console.log('listening'));`,
      );
      return askPorts(ground, [`127.0.0.1:${port}`], {
        finds: `port 127.0.0.1:${port}`,
        detail: new RegExp(`another process listens there: .*node.*PID ${pid}`),
        remedy: new RegExp(`kill ${pid}.*--listen`),
      });
    },
  },
  {
    name: 'Another process has the port of the S3 API on all addresses of IPv6',
    async plant(ground) {
      const port = await deadPort();
      const pid = await processDoing(
        ground,
        `import { createServer } from 'node:net';
        createServer().listen(${port}, '::', () => console.log('listening'));`,
      );
      return askPorts(ground, ['127.0.0.1:8400', `127.0.0.1:${port}`], {
        finds: `port 127.0.0.1:${port}`,
        detail: new RegExp(`PID ${pid}`),
        remedy: /--s3-listen/,
      });
    },
  },
  {
    name: 'Another process has the port for metrics',
    async plant(ground) {
      const port = await deadPort();
      const pid = await processDoing(
        ground,
        `import { createServer } from 'node:net';
        createServer().listen(${port}, '127.0.0.1', () => console.log('listening'));`,
      );
      const question = {
        finds: `port 127.0.0.1:${port}`,
        detail: new RegExp(`PID ${pid}`),
        remedy: /--metrics-listen/,
      };
      const args = ['--metrics-listen', `127.0.0.1:${port}`];
      return askServerDoctor(join(ground.folder, 'data'), question, args);
    },
  },
  {
    name: 'The port for metrics is that of the API',
    async plant(ground) {
      const address = `127.0.0.1:${await deadPort()}`;
      const question = { finds: 'settings', detail: /for metrics/, remedy: /another port in --metrics-listen/ };
      const args = ['--listen', address, '--metrics-listen', address];
      return askServerDoctor(join(ground.folder, 'data'), question, args);
    },
  },
  {
    name: 'A server is to listen on an address that its machine does not have',
    async plant(ground) {
      return askPorts(ground, ['192.0.2.1:8400'], {
        finds: 'port 192.0.2.1:8400',
        detail: /cannot be listened on/,
        remedy: /no address of this machine.*0\.0\.0\.0/,
      });
    },
  },
  {
    name: 'A server is to listen below 1024 as a user who may not',
    missing: NEEDS_ROOT ?? missingBarrier(),
    async plant(ground) {
      const words = `server --data-dir ${join(ground.folder, 'data')} --listen 127.0.0.1:443`;
      const PATH = machineWithService(ground, {
        ...{ User: 'nobody', ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' },
        ExecStart: execStart('').replace(/agent --config-file /, words),
      });
      const finds = 'port 127.0.0.1:443';
      return { args: ['server', 'doctor', '--json'], env: { PATH }, finds, remedy: /CAP_NET_BIND_SERVICE/ };
    },
  },
  {
    name: 'A server tells hosts an address of its S3 API that is none',
    async plant(ground) {
      const args = ['--public-s3-endpoint', 'deploy.example.com:8400'];
      const question = { finds: 'public S3 address', detail: /is no address/, remedy: /https:\/\/HOST:PORT/ };
      return askServerDoctor(join(ground.folder, 'data'), question, args);
    },
  },
  {
    name: 'The address that a server tells hosts for downloads says http, and the server speaks TLS',
    async plant(ground) {
      const { certFile, keyFile } = await privateCertificates(ground.folder);
      const files = ['--tls-cert', certFile, '--tls-key', keyFile];
      const args = [...files, '--listen', '127.0.0.1:8400', '--public-s3-endpoint', 'http://127.0.0.1:8400'];
      const question = { finds: 'public S3 address', remedy: /SLIPWAY_PUBLIC_S3_ENDPOINT.*https/ };
      return askServerDoctor(join(ground.folder, 'data'), question, args);
    },
  },
  {
    name: 'A server hangs: it takes connections and answers none',
    async plant(ground) {
      const { dataDir, daemon, port } = await serverOnPorts(ground);
      daemon.kill('SIGSTOP');
      ground.after.defer(() => daemon.kill('SIGCONT'));
      const finds = 'server';
      return askServerDoctor(dataDir, { finds, remedy: /kill -CONT/ }, ['--listen', `127.0.0.1:${port}`]);
    },
  },
  {
    name: 'The key of a server belongs to another certificate',
    async plant(ground) {
      const { certFile } = await privateCertificates(ground.folder);
      const other = await makeCertificate(await makeAuthority(ground.folder, 'other'), 'else');
      return askCertificate(ground, { certFile, keyFile: other.keyFile }, [], {
        detail: /does not belong/,
        remedy: /renewed together/,
      });
    },
  },
  {
    name: 'The certificate of a server has ended',
    async plant(ground) {
      return askCertificate(ground, await certificateEnding(ground.folder, -3), [], {
        detail: /has ended on 20/,
        remedy: /Renew it/,
      });
    },
  },
  {
    name: 'The key of a server cannot be read by the user of its service',
    missing: NEEDS_ROOT,
    async plant(ground) {
      const made = await privateCertificates(ground.folder);
      chmodSync(made.keyFile, 0o600);
      chownSync(made.keyFile, 0, 0);
      const PATH = machineWithService(ground, {
        User: 'nobody',
        ExecStart: execStart('').replace(
          /agent --config-file /,
          `server --data-dir ${ground.folder} --tls-cert ${made.certFile} --tls-key ${made.keyFile}`,
        ),
      });
      const remedy = /chown root:nobody .*key\.pem && chmod 640/;
      const detail = /cannot be read by nobody/;
      return { args: ['server', 'doctor', '--json'], env: { PATH }, finds: 'certificate', detail, remedy };
    },
  },
  {
    name: 'The certificate of a server is not for the address that hosts download from',
    async plant(ground) {
      const made = await privateCertificates(ground.folder);
      return askCertificate(ground, made, ['--public-s3-endpoint', 'https://deploy.example.test:8401'], {
        detail: /deploy\.example\.test/,
        remedy: /certificate made for deploy\.example\.test/,
      });
    },
  },
  {
    name: 'The chain of a server’s certificate lacks the authority in the middle',
    async plant(ground) {
      const root = await makeAuthority(ground.folder, 'root');
      const middle = await makeAuthority(ground.folder, 'middle', root);
      const made = await makeCertificate(middle, 'server');
      return askCertificate(ground, made, ['--ca-file', root.certFile], {
        detail: /neither in it nor trusted/,
        remedy: /Add the certificate of CN=middle/,
      });
    },
  },
  {
    name: 'The key of a server is locked with a passphrase',
    async plant(ground) {
      const { certFile, keyFile } = await privateCertificates(ground.folder);
      const locked = join(ground.folder, 'locked.pem');
      await execa('openssl', ['pkey', '-in', keyFile, '-aes256', '-passout', 'pass:secret', '-out', locked]);
      return askCertificate(ground, { certFile, keyFile: locked }, [], {
        detail: /passphrase/,
        remedy: /openssl pkey/,
      });
    },
  },
  {
    name: 'The certificate of a server was renewed, and the server shows the old one',
    async plant(ground) {
      const made = await privateCertificates(ground.folder);
      const { dataDir } = await serverOnPorts(ground, ['--tls-cert', made.certFile, '--tls-key', made.keyFile]);
      const renewed = await makeCertificate(await makeAuthority(ground.folder, 'next'), 'renewed');
      for (const [from, to] of [
        [renewed.certFile, made.certFile],
        [renewed.keyFile, made.keyFile],
      ] as const) {
        rmSync(to);
        cpSync(from, to);
      }
      return askServerDoctor(dataDir, { finds: 'certificate', detail: /another certificate/, remedy: /restart/ });
    },
  },
];

/** @param addresses of the API and of the S3 API */
function askPorts(
  ground: Ground,
  [listen = '', s3Listen = '127.0.0.1:8401']: readonly string[],
  question: Parameters<typeof askServerDoctor>[1],
) {
  const args = ['--listen', listen, '--s3-listen', s3Listen];
  return askServerDoctor(join(ground.folder, 'data'), question, args);
}

function askCertificate(
  ground: Ground,
  { certFile, keyFile }: MadeCertificate,
  args: readonly string[],
  question: Omit<Parameters<typeof askServerDoctor>[1], 'finds'>,
) {
  const files = ['--tls-cert', certFile, '--tls-key', keyFile];
  return askServerDoctor(join(ground.folder, 'data'), { finds: 'certificate', ...question }, [...files, ...args]);
}

/** The reason why everybody may have low ports here; null: not everybody may. */
function missingBarrier(): string | null {
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  return first > 443 ? null : 'every user of this machine may have ports below 1024';
}
