/** Tools that plant faults. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createPort } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import type { Daemon, EnrolledHost } from '../support/slipway.ts';
import type { Ground, Question } from './fault.ts';

export const NEEDS_ROOT = process.getuid?.() === 0 ? null : 'only root can';

/** Asks the doctor about a host. */
export function askDoctor(host: EnrolledHost, question: Omit<Question, 'args'>): Question {
  return { args: ['doctor', '--json', '--config-file', host.configFile], ...question };
}

/** Writes settings into the host's configuration; those that were there before do not count any more. */
export function configure(host: EnrolledHost, settings: Readonly<Record<string, string>>): void {
  const kept = readFileSync(host.configFile, 'utf8')
    .split('\n')
    .filter((line) => !Object.keys(settings).some((key) => line.startsWith(`${key}:`)));
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}`);
  writeFileSync(host.configFile, `${[...kept, ...lines].join('\n')}\n`);
}

export function settingOf(host: EnrolledHost, key: string): string {
  const [, value = ''] = new RegExp(`^${key}: (.*)$`, 'm').exec(readFileSync(host.configFile, 'utf8')) ?? [];
  return value;
}

/** The host's agent, running and ready. */
export async function readyAgent(ground: Ground, host: EnrolledHost): Promise<Daemon> {
  const agent = ground.after.use(host.startAgent());
  await eventually(() => agent.log().includes('the agent is ready'));
  return agent;
}

/** A file system in memory. @param options of mount, such as `size=1m` */
export function mounted(ground: Ground, name: string, options: string): string {
  const path = join(ground.folder, name);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'slipway-test', path]);
  ground.after.defer(() => void execFileSync('umount', ['--lazy', path]));
  return path;
}

/** Writes a file until nothing more fits. */
export function fill(folder: string): void {
  const chunk = Buffer.alloc(64 * 1024);
  try {
    for (;;) appendFileSync(join(folder, 'fill'), chunk);
  } catch {
    // It is full: that was wanted.
  }
}

/** A machine whose systemd has the agent's service: `systemctl show` answers with these properties. @returns PATH */
export function machineWithService(ground: Ground, properties: Readonly<Record<string, string>>): string {
  const folder = join(ground.folder, 'bin');
  mkdirSync(folder);
  const all = { LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success', ...properties };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  writeFileSync(join(folder, 'shown'), `${lines.join('\n')}\n`);
  const write = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  write('systemctl', `exec cat '${join(folder, 'shown')}'`);
  write('journalctl', 'echo "the last words of the service"');
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

export function execStart(configFile: string): string {
  const words = `/usr/bin/node /usr/lib/slipway/bin/slipway.js agent --config-file ${configFile}`;
  return `{ path=/usr/bin/node ; argv[]=${words} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;
}

/** A port of this machine on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createPort().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server of HTTP that answers everything with these headers. @returns its address */
export async function answering(
  ground: Ground,
  headers: Readonly<Record<string, string>>,
  status = 200,
  body = '{}',
): Promise<string> {
  const server: Server = createServer((_request, answer) => answer.writeHead(status, headers).end(body));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  ground.after.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
