/**
 * Processes of this machine, as /proc shows them.
 *
 * /proc may be missing (a chroot), empty, hide other users' processes (`hidepid`), or show those of another PID namespace. Nothing here
 * throws then. Hidden processes are left out, and `processView` says how many that may be. `mayStillRun` takes a process for alive unless
 * it is known to be dead.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { systemErrorCode } from '../errors.ts';

/** Facts that /proc tells about a running process. */
export interface ProcessFacts {
  readonly pid: number;
  readonly commandLine: string;
}

/** A process and where it belongs. */
export interface ProcessRelations {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** In ticks since the machine started; with the pid it names a process for good. */
  readonly startTime: string;
}

/**
 * Which processes are visible: all, perhaps only those of this user (`hidepid`), or none. None are where /proc is missing or belongs to
 * another PID namespace, whose numbers mean other processes.
 */
export type ProcessView = 'all' | 'own' | 'none';

const PROC = '/proc';

export function processView(proc = PROC): ProcessView {
  if (!isOfThisNamespace(proc)) return 'none';
  // The first process is never this user's but in a container, and always there.
  return readStat(1, proc) === null ? 'own' : 'all';
}

/** All processes that run at this moment and can be seen; zombies do not. */
export function runningProcesses(proc = PROC): readonly ProcessRelations[] {
  if (!isOfThisNamespace(proc)) return [];
  return namesIn(proc).flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name), proc) : null;
    if (stat === null || stat.hasEnded) return [];
    return { pid: Number(name), parent: stat.parent, group: stat.group, startTime: stat.startTime };
  });
}

/** Whether a process was started with `NAME=value` in its environment. Only root can tell this of another user's processes. */
export function hasInEnvironment(pid: number, name: string, value: string, proc = PROC): boolean {
  return readProc(proc, pid, 'environ').split('\0').includes(`${name}=${value}`);
}

/**
 * The control groups that a process is in, one a line, as the kernel has them: `0::/system.slice/ssh.service` where there is one hierarchy,
 * a line for each where there are several. Their paths begin at the root that this process sees.
 */
export function controlGroupsOf(pid: number, proc = PROC): string {
  return readProc(proc, pid, 'cgroup');
}

/** Processes that have a file open whose name, as /proc shows it, ends so. */
export function processesHolding(nameEnd: string, proc = PROC): ProcessFacts[] {
  return runningProcesses(proc)
    .filter(({ pid }) => pid !== process.pid && openFilesOf(pid, proc).some((name) => name.endsWith(nameEnd)))
    .map(({ pid }) => ({ pid, commandLine: commandLineOf(pid, proc) }));
}

/** Empty where it cannot be seen. */
export function commandLineOf(pid: number, proc = PROC): string {
  return readProc(proc, pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/**
 * When a process began, in ticks since the machine started; with the pid it names a process for good.
 *
 * @returns null: it is gone (if only its parent has not noticed), or cannot be seen; `mayStillRun` tells the two apart
 */
export function startTimeOf(pid: number, proc = PROC): string | null {
  const stat = isOfThisNamespace(proc) ? readStat(pid, proc) : null;
  return stat === null || stat.hasEnded ? null : stat.startTime;
}

/**
 * Whether the process with this pid and start time may still run. Returns true also where nobody can tell: the belongings of a live process
 * must not be taken from it.
 *
 * @param startTime null or empty: not known; then any process that has the pid counts
 */
export function mayStillRun(pid: number, startTime: string | null, proc = PROC): boolean {
  if (pid < 1 || !isTaken(pid)) return false;
  const stat = isOfThisNamespace(proc) ? readStat(pid, proc) : null;
  // It cannot be seen, or it has gone since its number was looked at.
  if (stat === null) return isTaken(pid);
  return !stat.hasEnded && (startTime === null || startTime === '' || startTime === stat.startTime);
}

/** Whether a process group has members, zombies among them; needs no /proc. */
export function hasMembers(group: number): boolean {
  return group > 1 && isTaken(-group);
}

/** Sends a signal to a process, or with a negative number to a group. @returns whether there was one that could be signalled */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  // 0 is the caller's own group, 1 and -1 are everybody: none is ever meant.
  if (!Number.isInteger(pid) || Math.abs(pid) < 2) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process, or with a negative number a group, has this number. The kernel says so of everybody's. */
function isTaken(number: number): boolean {
  if (!Number.isInteger(number) || number === 0 || number === -1) return false;
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** Whether numbers in this /proc are those by which this process calls others. */
function isOfThisNamespace(proc: string): boolean {
  try {
    return readlinkSync(`${proc}/self`) === String(process.pid) && readStat(process.pid, proc) !== null;
  } catch {
    return false;
  }
}

function openFilesOf(pid: number, proc: string): string[] {
  const folder = `${proc}/${pid}/fd`;
  return namesIn(folder).flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

/** None of a folder that is not there any more, or is somebody else's. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

interface ProcessStat extends Omit<ProcessRelations, 'pid'> {
  /** Its parent has not noticed yet. */
  readonly hasEnded: boolean;
}

/**
 * Behind the name of the program, which may itself hold blanks and brackets: state, parent, group, … and as the twentieth the start.
 *
 * @see proc_pid_stat(5)
 */
const BEHIND_NAME = /^ ([A-Za-z]) (\d+) (-?\d+)(?: -?\d+){16} (\d+)(?: |$)/;

/** null for a process that is gone or hidden, and for what is no such file. */
function readStat(pid: number, proc: string): ProcessStat | null {
  const stat = readProc(proc, pid, 'stat');
  const [, state, parent, group, startTime] = BEHIND_NAME.exec(stat.slice(stat.lastIndexOf(')') + 1)) ?? [];
  if (startTime === undefined || !stat.startsWith(`${pid} (`)) return null;
  return { parent: Number(parent), group: Number(group), startTime, hasEnded: /[ZXx]/.test(state ?? '') };
}

/** Empty for a process that is gone, or that belongs to somebody else. */
function readProc(proc: string, pid: number, name: string): string {
  try {
    return readFileSync(`${proc}/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
