/** Real load balancers in front of small applications, each in a test's own folder: clients reach them at a socket of a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { findProgram } from '../../src/system/programs.ts';
import { eventually } from './eventually.ts';

/** A balancer may be where only root looks for programs. */
const PLACES = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
export const haproxyProgram = findProgram('haproxy', PLACES);
export const nginxProgram = findProgram('nginx', PLACES);

export interface BackendServer {
  readonly name: string;
  readonly port: number;
  /** Whether it gets no requests until it is brought in; absent: it gets them at once. */
  readonly isOut?: boolean;
}

export interface RunningBalancer extends AsyncDisposable {
  /** Where clients come in. */
  readonly socketPath: string;
  /** Settings of the server's file for it, beside name and probe. */
  readonly settings: Record<string, unknown>;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A word of both programs' configurations: the folder for temporary files may have a blank in its name. */
function inQuotes(text: string): string {
  return `"${text.replace(/(["\\])/g, '\\$1')}"`;
}

/** Where nginx would write else: folders of the machine. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path`);

export async function startHaproxy(folder: string, servers: readonly BackendServer[]): Promise<RunningBalancer> {
  const [socketPath, adminSocket, config] = [join(folder, 'in'), join(folder, 'admin'), join(folder, 'haproxy.cfg')];
  writeFileSync(
    config,
    `global
  stats socket ${inQuotes(adminSocket)} mode 600 level admin
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 2
frontend in
  bind ${inQuotes(`unix@${socketPath}`)}
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /health
${servers.map(({ name, port, isOut }) => `  server ${name} 127.0.0.1:${port} check inter 200ms rise 2 fall 2${isOut ? ' disabled' : ''}`).join('\n')}
`,
  );
  const child = spawn(haproxyProgram ?? '', ['-db', '-f', config], { stdio: 'ignore' });
  return running(child, socketPath, { kind: 'haproxy', socket: adminSocket, backend: 'web', server: '{name}' });
}

export async function startNginx(folder: string, servers: readonly BackendServer[]): Promise<RunningBalancer> {
  const socketPath = join(folder, 'in');
  const [config, upstreamFile, pidFile] = [join(folder, 'nginx.conf'), join(folder, 'web.inc'), join(folder, 'pid')];
  const known = servers.filter(({ isOut }) => isOut !== true);
  writeFileSync(upstreamFile, known.map(({ port }) => `server 127.0.0.1:${port};\n`).join(''));
  writeFileSync(
    config,
    `daemon off;
pid ${inQuotes(pidFile)};
error_log ${inQuotes(join(folder, 'error.log'))};
worker_processes 2;
worker_shutdown_timeout 30s;
events { worker_connections 256; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name} ${inQuotes(folder)};`).join(' ')}
  upstream web { zone web 64k; include ${inQuotes(upstreamFile)}; keepalive 16; }
  server {
    listen ${inQuotes(`unix:${socketPath}`)};
    location / { proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const command = [nginxProgram ?? '', '-c', config, '-p', folder, '-e', join(folder, 'error.log')];
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: 'ignore' });
  return running(child, socketPath, {
    ...{ kind: 'nginx', upstreamFile, pidFile, address: '127.0.0.1:{tag:Port}' },
    ...{ test: [...command, '-t', '-q'], reload: [...command, '-s', 'reload'] },
  });
}

async function running(
  child: ChildProcess,
  socketPath: string,
  settings: Record<string, unknown>,
): Promise<RunningBalancer> {
  const balancer: RunningBalancer = {
    socketPath,
    settings,
    async [Symbol.asyncDispose]() {
      const ended = child.exitCode !== null || child.signalCode !== null ? null : once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
  const { get } = await import('node:http');
  const answers = () =>
    new Promise<boolean>((resolve) => {
      get({ socketPath, path: '/health', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode !== undefined);
      }).on('error', () => resolve(false));
    });
  try {
    await eventually(answers, { withinMs: 15_000 });
    return balancer;
  } catch (error) {
    await balancer[Symbol.asyncDispose]();
    throw error;
  }
}

/** An application in the test's own process, which can hold its answers back. */
export interface HeldApplication extends AsyncDisposable {
  readonly port: number;
  status: number;
  /** Answers to `/slow` wait until this is called. */
  release(): void;
  readonly slow: number;
}

export async function startApplication(): Promise<HeldApplication> {
  let held: (() => void)[] = [];
  const state = { status: 200 };
  const server = createServer((request, answer) => {
    const end = () => answer.writeHead(state.status).end('served');
    if (request.url === '/slow') held.push(end);
    else end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get status() {
      return state.status;
    },
    set status(status: number) {
      state.status = status;
    },
    get slow() {
      return held.length;
    },
    release() {
      for (const end of held) end();
      held = [];
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
