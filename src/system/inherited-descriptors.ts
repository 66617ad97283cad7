/**
 * Descriptors that somebody has opened before this process began: a shell's `9< file`, a supervisor's sockets. Programs that this process
 * starts would get them, and scripts of a revision with them whatever they lead to.
 *
 * All that Node opens is closed by the kernel when another program begins (O_CLOEXEC), and Node marks the lowest of the inherited ones so.
 * It stops at the first gap; what lies above would go on to every script.
 *
 * The one exception: OpenSSL reads certificates on a thread of its own while the program starts, by descriptors that look like inherited
 * ones. Closing one under it ends the process.
 */
import { closeSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

/** O_CLOEXEC, as /proc shows flags: octal. */
const CLOSE_ON_EXEC = 0o2000000;
const FIRST = 3;

/**
 * Closes every descriptor from 3 on that programs of this process would inherit.
 *
 * @param args of the command line: what they name as `/dev/fd/N` stays open, because somebody means it to be read
 * @param env names the certificates that may be read just now (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR)
 * @param self the folder in which /proc shows this process
 * @returns those that were closed; null: without /proc nobody can tell which there are
 */
export function closeInheritedDescriptors(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  self = '/proc/self',
): readonly number[] | null {
  const numbers = openDescriptors(self);
  if (numbers === null) return null;
  const named = new Set(args.flatMap(descriptorsIn));
  const certificates = certificatePlaces(env);
  const isForeign = (fd: number) =>
    isInheritable(fd, self) && !certificates.some((place) => targetOf(fd, self).startsWith(place));
  return numbers.filter((fd) => fd >= FIRST && !named.has(fd) && isForeign(fd) && close(fd));
}

/** null: nobody can tell. Node itself always has some open. */
function openDescriptors(self: string): readonly number[] | null {
  try {
    const numbers = readdirSync(`${self}/fdinfo`).filter((name) => /^\d{1,9}$/.test(name));
    return numbers.some((name) => flagsOf(Number(name), self) !== null) ? numbers.map(Number) : null;
  } catch {
    return null;
  }
}

function descriptorsIn(argument: string): number[] {
  return [...argument.matchAll(/\/(?:dev|proc\/self)\/fd\/(\d{1,9})(?!\d)/g)].map(([, number]) => Number(number));
}

function isInheritable(fd: number, self: string): boolean {
  const flags = flagsOf(fd, self);
  return flags !== null && (flags & CLOSE_ON_EXEC) === 0;
}

/** null for the one by which the folder itself was read. */
function flagsOf(fd: number, self: string): number | null {
  try {
    const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`${self}/fdinfo/${fd}`, 'utf8')) ?? [];
    return flags === undefined ? null : Number.parseInt(flags, 8);
  } catch {
    return null;
  }
}

/** Files, and folders with a slash behind them. Nothing in them is secret. */
function certificatePlaces(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const files = [env['NODE_EXTRA_CA_CERTS'], env['SSL_CERT_FILE']];
  const folders = [
    ...(env['SSL_CERT_DIR'] ?? '').split(':').filter(Boolean),
    '/etc/ssl/certs',
    '/etc/pki',
    '/usr/share/ca-certificates',
  ];
  return [...files, ...folders.map((folder) => `${folder}/`)].flatMap((path) => (path ? [path, realPathOf(path)] : []));
}

/** As /proc shows what is open: links on the way are gone. */
function realPathOf(path: string): string {
  try {
    return path.endsWith('/') ? `${realpathSync(path)}/` : realpathSync(path);
  } catch {
    return path;
  }
}

/** Empty for one that is closed by now. */
function targetOf(fd: number, self: string): string {
  try {
    return readlinkSync(`${self}/fd/${fd}`);
  } catch {
    return '';
  }
}

function close(fd: number): boolean {
  try {
    closeSync(fd);
    return true;
  } catch {
    return false;
  }
}
