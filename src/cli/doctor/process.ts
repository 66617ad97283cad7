/** Facts that /proc tells about one process. */
import { readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { commandLineOf, startTimeOf } from '../../system/processes.ts';

/** Ticks in a second as /proc counts them, on every Linux that there is. */
const TICKS = 100;

/** How long a process has run, milliseconds; null: it is gone, or nobody can tell. */
export function ageOf(pid: number): number | null {
  const startedTicks = startTimeOf(pid);
  if (startedTicks === null) return null;
  return (uptime() - Number(startedTicks) / TICKS) * 1000;
}

const SHOWN_COMMAND = 100;

/** The command of a process in one line; empty for one that is gone or is another user's. */
export function shownCommand(pid: number): string {
  const text = commandLineOf(pid).replace(/\s+/g, ' ');
  return text.length > SHOWN_COMMAND ? `${text.slice(0, SHOWN_COMMAND)}…` : text;
}

/** The user id that a process runs as; null: it is gone. */
export function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** Whether a signal or a debugger has halted it. */
export function isHalted(pid: number): boolean {
  return /^[Tt]$/.test(stateOf(pid));
}

/** @param restart the command, in backticks @param folders what it works on @param after what the next start does about what was interrupted */
export function remedyOfHang(pid: number, restart: string, folders: string, after: string): string {
  if (isHalted(pid)) {
    return `Somebody has halted it (SIGSTOP, or a debugger): let it go on with \`kill -CONT ${pid}\`.`;
  }
  if (stateOf(pid) === 'D') {
    return `It waits for a disk or a network file system: look at \`dmesg\` and at the mounts below ${folders}; a restart alone does not help.`;
  }
  return `Start it anew: ${restart}. If that does not end it, \`kill -KILL ${pid}\`; ${after}.`;
}

/** A letter, as `ps` has it; empty for a process that is gone. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
