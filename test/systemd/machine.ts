/** A Debian with its own systemd as PID 1, on this machine: made by debootstrap once, booted by systemd-nspawn, gone afterwards. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/process-tree.ts';

/** systemd to be tested, its bus, what makes sessions for `su`, and what Node links against. */
const PACKAGES = ['systemd', 'dbus', 'libpam-systemd', 'libatomic1'];
const SUITE = 'bookworm';
const TOOLS = ['debootstrap', 'systemd-nspawn', 'nsenter', 'mkfs.ext4', 'mount', 'losetup'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @returns what keeps a machine from being booted here; empty: nothing */
export function obstacles(): readonly string[] {
  const missing = TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return [
    ...(process.getuid?.() === 0 ? [] : ['it does not run as root']),
    ...(missing.length === 0 ? [] : [`these programs are missing: ${missing.join(', ')}`]),
  ];
}

/** The Debian that every run copies. The name has the packages' list in it, so that a change makes a new one. */
export function baseSystem(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const base = join(cache, 'slipway-test', `${SUITE}-${PACKAGES.join('-')}`);
  if (existsSync(base)) return base;
  const half = `${base}.${process.pid}`;
  mkdirSync(dirname(base), { recursive: true });
  try {
    execFileSync('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, half, debianMirror()], {
      stdio: ['ignore', openSync(`${half}.log`, 'w'), 'inherit'],
    });
    for (const unused of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale', 'usr/share/man']) {
      rmSync(join(half, unused), { recursive: true, force: true });
    }
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
  const text = files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  return /https?:\/\/\S*\/debian\/?(?=\s|$)/.exec(text)?.[0] ?? 'http://deb.debian.org/debian';
}

export interface Machine extends AsyncDisposable {
  /** Its file system, as this machine sees it. */
  readonly root: string;
  /** Runs a shell command in it. @returns what it wrote @throws Error when it fails */
  run(command: string, env?: Readonly<Record<string, string>>): string;
  /** The same, where failing is an answer: null. */
  ask(command: string): string | null;
  /** A power cut, and a new start. */
  reset(): Promise<void>;
  /** Shuts down in good order, and starts again. */
  reboot(): Promise<void>;
}

/**
 * Copies the base system and boots it.
 *
 * @param binds folder of this machine → folder in the other
 * @param network private: nothing but a loopback interface of its own
 */
export async function bootMachine(
  folder: string,
  binds: Readonly<Record<string, string>>,
  network: 'shared' | 'private' = 'shared',
): Promise<Machine> {
  const root = join(folder, 'machine');
  execFileSync('cp', ['-a', '--reflink=auto', baseSystem(), root]);
  const groups = ownControlGroups();
  let booted: Booted | null = await boot(folder, root, nspawnOptions(binds, network), groups);
  const enter = (command: string, env: Readonly<Record<string, string>> = {}) => {
    if (booted === null) throw new Error('the machine is off');
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd'];
    return spawnSync('nsenter', [`--target=${booted.init}`, ...namespaces, '/bin/sh', '-c', command], {
      env: { PATH, ...env },
      encoding: 'utf8',
      timeout: 60_000,
    });
  };
  const off = async () => {
    if (booted === null) return;
    const { init, exited } = booted;
    booted = null;
    // The kernel ends everything in it with its PID 1, and nspawn ends then by itself; killed first, it would leave the machine running.
    if (isRunning(init)) process.kill(init, 'SIGKILL');
    await exited;
    await eventually(() => !isRunning(init));
  };
  return {
    root,
    run(command, env) {
      const { status, stdout, stderr } = enter(command, env);
      if (status !== 0) throw new Error(`in the machine: ${command}\nended with ${status}\n${stdout}${stderr}`);
      return stdout.trim();
    },
    ask(command) {
      const { status, stdout } = enter(command);
      return status === 0 ? stdout.trim() : null;
    },
    async reset() {
      await off();
      booted = await boot(folder, root, nspawnOptions(binds, network), groups);
    },
    async reboot() {
      const init = booted?.init ?? 0;
      enter('systemctl poweroff');
      await eventually(() => !isRunning(init), { withinMs: 120_000, everyMs: 200 });
      await off();
      booted = await boot(folder, root, nspawnOptions(binds, network), groups);
    },
    async [Symbol.asyncDispose]() {
      await off();
      for (const group of groups) removeControlGroup(group);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function nspawnOptions(binds: Readonly<Record<string, string>>, network: 'shared' | 'private'): readonly string[] {
  const bound = Object.entries(binds).map(([from, to]) => `--bind=${from}:${to}`);
  return network === 'private' ? ['--private-network', ...bound] : bound;
}

interface Booted {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Its PID 1, as this machine counts. */
  readonly init: number;
}

async function boot(
  folder: string,
  root: string,
  options: readonly string[],
  groups: readonly string[],
): Promise<Booted> {
  const console = openSync(join(folder, 'console.log'), 'a');
  const name = `slipway-test-${process.pid}`;
  const nspawn = [
    ...['systemd-nspawn', '--quiet', '--boot', '--register=no', `--machine=${name}`, `--directory=${root}`],
    ...['--link-journal=no', '--resolv-conf=off', '--timezone=off', '--console=pipe'],
    ...(groups.length === 0 ? [] : ['--keep-unit']),
    ...options,
  ];
  // Into control groups of its own first: what it makes there must not meet what others make.
  const enter = 'n=$1; shift; while [ $n -gt 0 ]; do echo $$ > "$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"';
  const child = spawn('/bin/sh', ['-c', enter, 'sh', String(groups.length), ...groups, ...nspawn], {
    stdio: ['ignore', console, console],
    detached: true,
  });
  const exited = once(child, 'exit');
  let init = 0;
  const power = () => {
    if (init > 0) process.kill(init, 'SIGKILL');
    else child.kill('SIGKILL');
  };
  await eventually(
    () => {
      if (child.exitCode !== null)
        throw new Error(`systemd-nspawn ended: ${readFileSync(join(folder, 'console.log'), 'utf8')}`);
      init = childrenOf(child.pid ?? 0).find((pid) => commandOf(pid) === 'systemd') ?? 0;
      return (
        init > 0 &&
        spawnSync('nsenter', [`--target=${init}`, '--mount', '--pid', '--root', 'systemctl', 'is-system-running'])
          .stdout.length > 8
      );
    },
    { withinMs: 60_000, everyMs: 100 },
  ).catch((error) => {
    power();
    throw error;
  });
  spawnSync('nsenter', [`--target=${init}`, '--mount', '--pid', '--root', 'systemctl', 'is-system-running', '--wait'], {
    timeout: 60_000,
  });
  return { process: child, exited, init };
}

/** Where systemd runs this machine, nspawn asks it for a scope; elsewhere it has to be given control groups. */
function ownControlGroups(): readonly string[] {
  if (existsSync('/run/systemd/system')) return [];
  const hierarchies = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'].filter((folder) => existsSync(folder));
  return hierarchies.map((hierarchy) => {
    const group = join(hierarchy, `slipway-test-${process.pid}`);
    mkdirSync(group, { recursive: true });
    return group;
  });
}

/** Control groups are removed from the leaves on; their files are none. */
function removeControlGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeControlGroup(join(group, entry.name));
  }
  try {
    rmdirSync(group);
  } catch {
    // Something in it has not quite gone; the kernel keeps an empty group at no cost.
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
