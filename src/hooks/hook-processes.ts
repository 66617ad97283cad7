/**
 * All processes of one hook, wherever they hide.
 *
 * A process belongs to a hook by its process group, by the marker in its environment (kept when `setsid` leaves the group and when `su`
 * changes the user), or because its parent does (what `sudo`, which empties the environment, starts). Only a process that escapes all
 * three at once is missed; that takes a control group to find.
 *
 * They are ended on a timeout and after a crash of the agent, never after a success: daemons that a script starts are meant to live.
 */
import type { Clock } from '../system/clock.ts';
import { hasInEnvironment, type ProcessRelations, runningProcesses, signalProcess } from '../system/processes.ts';
import { MARKER_VARIABLE } from './environment.ts';

export interface HookProcesses {
  /** The identifier of the host command that the hook runs for. */
  readonly marker: string;
  /** null: not known any more, because another agent process started the hook. */
  readonly groupId: number | null;
}

/** After SIGKILL nothing lives on but what the kernel itself holds (a dead network disk): no use waiting longer for that. */
const REAP_MS = 5_000;
const LOOK_AGAIN_MS = 20;

export function processesOfHook({ marker, groupId }: HookProcesses): number[] {
  const processes = runningProcesses();
  // An agent that a hook has started carries that hook's marker; it must not end itself.
  const spared = ownLine(processes);
  const found = new Set<number>();
  const queue = processes
    .filter(({ pid, group }) => group === groupId || hasInEnvironment(pid, MARKER_VARIABLE, marker))
    .map(({ pid }) => pid);
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (spared.has(pid) || found.has(pid)) continue;
    found.add(pid);
    for (const child of processes) if (child.parent === pid) queue.push(child.pid);
  }
  return [...found];
}

/**
 * Ends a hook: SIGTERM to all its processes, and SIGKILL to those that are there after the grace.
 *
 * @param graceMs 0: SIGKILL at once
 * @returns those that cannot be ended: another user's, or held by the kernel
 */
export async function endHook(clock: Clock, hook: HookProcesses, graceMs: number): Promise<readonly number[]> {
  if (graceMs > 0) {
    signalAll(hook, 'SIGTERM');
    await gone(clock, hook, graceMs);
  }
  // A process may fork while it is being looked for; the next look finds the child.
  return gone(clock, hook, REAP_MS, () => signalAll(hook, 'SIGKILL'));
}

/** Kills every process of a hook that was left behind. @returns how many there were */
export async function killProcessesOf(clock: Clock, hostCommandIdentifier: string): Promise<number> {
  const hook = { marker: hostCommandIdentifier, groupId: null };
  const before = processesOfHook(hook).length;
  const left = before === 0 ? [] : await endHook(clock, hook, 0);
  return before - left.length;
}

function signalAll(hook: HookProcesses, signal: NodeJS.Signals): void {
  // The group at once, so that none of it can fork away between two signals.
  if (hook.groupId !== null) signalProcess(-hook.groupId, signal);
  const { groupId } = hook;
  const groupOf = new Map(runningProcesses().map(({ pid, group }) => [pid, group]));
  for (const pid of processesOfHook(hook)) if (groupOf.get(pid) !== groupId) signalProcess(pid, signal);
}

/** Waits until none is left, or no longer. @returns those that are */
async function gone(
  clock: Clock,
  hook: HookProcesses,
  limitMs: number,
  beforeEachLook: () => void = () => {},
): Promise<readonly number[]> {
  const end = clock.now() + limitMs;
  for (;;) {
    beforeEachLook();
    const left = processesOfHook(hook);
    if (left.length === 0 || clock.now() >= end) return left;
    await clock.sleep(LOOK_AGAIN_MS);
  }
}

/** This process and its ancestors. */
function ownLine(processes: readonly ProcessRelations[]): Set<number> {
  const parentOf = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const line = new Set<number>();
  for (let pid: number | undefined = process.pid; pid !== undefined && !line.has(pid); pid = parentOf.get(pid)) {
    line.add(pid);
  }
  return line;
}
