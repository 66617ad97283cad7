/** The system of machines: a Debian by debootstrap, made once and kept in the user's cache. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * systemd to be tested, its bus, sessions for `su`, and libraries of Node. A balancer, and a library that shows a process another time. All tests
 * share one list, because each system takes a minute to make.
 */
const PACKAGES = ['systemd', 'dbus', 'libpam-systemd', 'libatomic1', 'libstdc++6', 'haproxy', 'libfaketime'];
/** A machine that is to balance starts it. */
const UNASKED = 'etc/systemd/system/multi-user.target.wants/haproxy.service';

/** Releases of Debian that a machine can have. */
export type DebianRelease = 'bookworm' | 'trixie';
const TOOLS = ['debootstrap', 'systemd-nspawn', 'nsenter', 'mkfs.ext4', 'mount', 'losetup'];

/** @returns what keeps a machine from being booted here; empty: nothing */
export function obstacles(): readonly string[] {
  const missing = TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return [
    ...(process.getuid?.() === 0 ? [] : ['it does not run as root']),
    ...(missing.length === 0 ? [] : [`these programs are missing: ${missing.join(', ')}`]),
  ];
}

/** The Debian that every run copies. The name has the packages' list in it, so that a change makes a new one. */
export function baseSystem(release: DebianRelease = 'bookworm'): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const base = join(cache, 'slipway-test', `${release}-${PACKAGES.join('-')}`);
  if (existsSync(base)) return base;
  const half = `${base}.${process.pid}`;
  mkdirSync(dirname(base), { recursive: true });
  try {
    const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, release, half, debianMirror()];
    execFileSync('debootstrap', args, { stdio: ['ignore', openSync(`${half}.log`, 'w'), 'inherit'] });
    for (const unused of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale', 'usr/share/man']) {
      rmSync(join(half, unused), { recursive: true, force: true });
    }
    rmSync(join(half, UNASKED), { force: true });
    renameSync(half, base);
    rmSync(`${half}.log`);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
  return base;
}

/** Where this machine's own packages come from, if it is a Debian. */
function debianMirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  const sources = files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  return /https?:\/\/\S*\/debian\/?(?=\s|$)/.exec(sources)?.[0] ?? 'http://deb.debian.org/debian';
}
