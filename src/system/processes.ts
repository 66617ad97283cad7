import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What is known of a running process through /proc. */
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

/** All processes that run at this moment; zombies do not. */
export function runningProcesses(): readonly ProcessRelations[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const fields = statFields(Number(name));
    const [state, parent, group] = fields;
    if (state === undefined || state === 'Z' || state === 'X') return [];
    return { pid: Number(name), parent: Number(parent), group: Number(group), startTime: fields[START_TIME] ?? '' };
  });
}

/** Whether a process was started with `NAME=value` in its environment. Of another user's processes only root can tell. */
export function hasInEnvironment(pid: number, name: string, value: string): boolean {
  return readProc(pid, 'environ').split('\0').includes(`${name}=${value}`);
}

/**
 * The control groups that a process is in, one a line, as the kernel has them: `0::/system.slice/ssh.service` where there is one hierarchy,
 * a line for each where there are several. Their paths begin at the root that this process sees.
 */
export function controlGroupsOf(pid: number): string {
  return readProc(pid, 'cgroup');
}

/** Processes that have a file open whose name, as /proc shows it, ends so. */
export function processesHolding(nameEnd: string): ProcessFacts[] {
  return runningProcesses()
    .filter(({ pid }) => pid !== process.pid && openFilesOf(pid).some((name) => name.endsWith(nameEnd)))
    .map(({ pid }) => ({ pid, commandLine: commandLineOf(pid) }));
}

export function commandLineOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** When a process began, in ticks since the machine started; with the pid it names a process for good. null: it is gone, if only its parent has not noticed. */
export function startTimeOf(pid: number): string | null {
  const fields = statFields(pid);
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[START_TIME] ?? null);
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

function openFilesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

/** Its place in what `statFields` gives. */
const START_TIME = 19;

/** What stands behind the name of the program, which may itself hold blanks and brackets: state, parent, group, … */
function statFields(pid: number): string[] {
  const stat = readProc(pid, 'stat');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Empty for a process that is gone, or that belongs to somebody else. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
