import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { userInfo } from 'node:os';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path)) ?? null;

/** Whether this machine has OpenSSH's server, and this user a shell that it can start; it starts every command by that. */
export const hasSshServer = SSHD !== null && !/\/(nologin|false)$/.test(userInfo().shell ?? '');

/** OpenSSH's own server, one process a connection, for the user of the test and for one key. */
export interface SshServer extends AsyncDisposable {
  /** `ssh://user@127.0.0.1:port` */
  readonly url: string;
  /** A line for a file of known hosts, with the server's key. */
  readonly knownHost: string;
}

/** @param folder for its key and settings @param authorizedKey the public half of the only key that may come in */
export async function sshServer(folder: string, authorizedKey: string): Promise<SshServer> {
  const hostKey = makeSshKey(`${folder}/host-key`);
  writeFileSync(`${folder}/authorized`, authorizedKey);
  const settings = [
    ...[`HostKey "${folder}/host-key"`, `AuthorizedKeysFile "${folder}/authorized"`, 'PidFile none', 'UsePAM no'],
    ...['StrictModes no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes'],
  ];
  writeFileSync(`${folder}/sshd_config`, `${settings.join('\n')}\n`);
  const running = new Set<Promise<void>>();
  // sshd takes the connection itself: no port has to be guessed, and it ends with its client.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn('/bin/sh', ['-c', startCommand(), 'sshd', SSHD ?? '', '-i', '-f', `${folder}/sshd_config`], {
      stdio: [socket, socket, 'ignore'],
    });
    running.add(
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.once('error', () => resolve());
      }),
    );
    socket.on('error', () => undefined);
    child.once('spawn', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const [type = '', key = ''] = hostKey.split(' ');
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    knownHost: `[127.0.0.1]:${port} ${type} ${key}\n`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(running);
    },
  };
}

/** @returns the public half */
export function makeSshKey(file: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8');
}

/** As root it insists on a folder that a service manager makes. If there is none, it gets a view of the machine that has one. */
function startCommand(): string {
  const own = `exec unshare --mount /bin/sh -c 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"' sshd "$@"`;
  return process.getuid?.() === 0 && !existsSync('/run/sshd') ? own : 'exec "$@"';
}
