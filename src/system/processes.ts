import { readdirSync, readFileSync } from 'node:fs';

/** What is known of a running process through /proc. */
export interface ProcessFacts {
  readonly pid: number;
  readonly commandLine: string;
}

/** All processes that were started with `NAME=value` in their environment, whoever their parent is now; zombies are none. */
export function processesWithEnvironment(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return allProcesses().filter((pid) => pid !== process.pid && environmentOf(pid).includes(wanted) && !isZombie(pid));
}

export function commandLineOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** When a process began, in ticks since the machine started; with the pid it names a process for good. null: it is gone. */
export function startTimeOf(pid: number): string | null {
  const fields = readProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields[19] ?? null;
}

/** Sends a signal to a process, or with a negative number to a group. @returns whether there was one */
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

function allProcesses(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
}

function environmentOf(pid: number): string[] {
  return readProc(pid, 'environ').split('\0');
}

function isZombie(pid: number): boolean {
  return readProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .startsWith('Z');
}

/** Empty for a process that is gone, or that belongs to somebody else. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
