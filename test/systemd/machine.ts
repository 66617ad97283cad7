/** A Debian with its own systemd as PID 1, on this machine: a copy of the base system, booted by systemd-nspawn, gone afterwards. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/process-tree.ts';
import { baseSystem } from './base-system.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Variables = Readonly<Record<string, string>>;

export interface Machine extends AsyncDisposable {
  /** Its file system, as this machine sees it. */
  readonly root: string;
  /** Runs a shell command in it. @returns what it wrote @throws Error when it fails */
  run(command: string, env?: Variables): string;
  /** The same, and this process goes on meanwhile. */
  runBeside(command: string, env?: Variables): Promise<string>;
  /** The same, where failing is an answer: null. */
  ask(command: string): string | null;
  /** A power cut, and a new start. */
  reset(): Promise<void>;
  /** Shuts down in good order, and starts again. */
  reboot(): Promise<void>;
}

/** `private`: nothing but a loopback interface of its own. */
export type MachineNetwork = 'shared' | 'private' | { readonly namespace: string };

export interface MachineOptions {
  /** The machine's host name; machines that run at the same time have different ones. */
  readonly name?: string;
  /** Original of the copy, as `baseSystem` returns it. */
  readonly base?: string;
  /** Changes the copy before its first start. */
  readonly prepare?: (root: string) => void;
}

/**
 * Copies the base system and boots it.
 *
 * @param binds folder of this machine → folder in the other
 */
export async function bootMachine(
  folder: string,
  binds: Readonly<Record<string, string>>,
  network: MachineNetwork = 'shared',
  { name, base = baseSystem(), prepare }: MachineOptions = {},
): Promise<Machine> {
  const root = join(folder, 'machine');
  execFileSync('cp', ['-a', '--reflink=auto', base, root]);
  prepare?.(root);
  const id = `slipway-test-${process.pid}${name === undefined ? '' : `-${name}`}`;
  const groups = ownControlGroups(id);
  const start = () => boot(folder, [...nspawnOptions(id, root, name ?? id), ...reachOptions(binds, network)], groups);
  let booted: Booted | null = await start();
  const enter = (command: string): readonly string[] => {
    if (booted === null) throw new Error('the machine is off');
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd'];
    return [`--target=${booted.init}`, ...namespaces, '/bin/sh', '-c', command];
  };
  const inside = (command: string, env: Variables = {}) =>
    spawnSync('nsenter', enter(command), { env: { PATH, ...env }, encoding: 'utf8', timeout: 60_000 });
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
    run: (command, env) => outputOf(command, inside(command, env)),
    async runBeside(command, env = {}) {
      const child = spawn('nsenter', enter(command), { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
      const [[status], stdout, stderr] = await Promise.all([
        once(child, 'close') as Promise<[number | null]>,
        text(child.stdout),
        text(child.stderr),
      ]);
      return outputOf(command, { status, stdout, stderr });
    },
    ask(command) {
      const { status, stdout } = inside(command);
      return status === 0 ? stdout.trim() : null;
    },
    async reset() {
      await off();
      booted = await start();
    },
    async reboot() {
      const init = booted?.init ?? 0;
      inside('systemctl poweroff');
      await eventually(() => !isRunning(init), { withinMs: 120_000, everyMs: 200 });
      await off();
      booted = await start();
    },
    async [Symbol.asyncDispose]() {
      await off();
      for (const group of groups) removeControlGroup(group);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function outputOf(
  command: string,
  end: { readonly status: number | null; readonly stdout: string; readonly stderr: string },
): string {
  if (end.status === 0) return end.stdout.trim();
  throw new Error(`in the machine: ${command}\nended with ${end.status}\n${end.stdout}${end.stderr}`);
}

function nspawnOptions(id: string, root: string, hostName: string): readonly string[] {
  return [
    ...['--quiet', '--boot', '--register=no', `--machine=${id}`, `--hostname=${hostName}`, `--directory=${root}`],
    ...['--link-journal=no', '--resolv-conf=off', '--timezone=off', '--console=pipe'],
  ];
}

/** Parts of this machine that the other one reaches: folders and network. */
function reachOptions(binds: Readonly<Record<string, string>>, network: MachineNetwork): readonly string[] {
  const bound = Object.entries(binds).map(([from, to]) => `--bind=${from}:${to}`);
  if (network === 'shared') return bound;
  if (network === 'private') return ['--private-network', ...bound];
  return [`--network-namespace-path=/run/netns/${network.namespace}`, ...bound];
}

interface Booted {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Its PID 1, as this machine counts. */
  readonly init: number;
}

async function boot(folder: string, options: readonly string[], groups: readonly string[]): Promise<Booted> {
  const console = openSync(join(folder, 'console.log'), 'a');
  const nspawn = ['systemd-nspawn', ...(groups.length === 0 ? [] : ['--keep-unit']), ...options];
  // Into control groups of its own first: what it makes there must not meet what others make.
  const enter = 'n=$1; shift; while [ $n -gt 0 ]; do echo $$ > "$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"';
  // Without its starter, as after a kill, nspawn is asked to end, and switches the machine off. Killed itself, it would leave it running.
  const asked = ['--pdeathsig', 'TERM', '/bin/sh', '-c', enter, 'sh', String(groups.length), ...groups, ...nspawn];
  const child = spawn('setpriv', asked, {
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
function ownControlGroups(name: string): readonly string[] {
  if (existsSync('/run/systemd/system')) return [];
  const hierarchies = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'].filter((folder) => existsSync(folder));
  return hierarchies.map((hierarchy) => {
    const group = join(hierarchy, name);
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
