/**
 * All processes of one hook, wherever they hide.
 *
 * A process belongs to a hook by its process group, by the marker in its environment, or by its parent. The marker stays when `setsid`
 * leaves the group and when `su` changes the user. The parent finds what `sudo` starts, which empties the environment. A process that
 * escapes all three at once is found by the control group, where the hook has one (`scope.ts`), and only there.
 *
 * The agent ends them on a timeout and after its own crash, never after a success: daemons that a script starts are meant to live.
 *
 * Where /proc is missing or hides processes, the kernel still tells whether a process group has members, and ends them by its number. Only
 * those that have left the group are not found then.
 */
import { writeFileSync } from 'node:fs';
import { type Clock, timeLimit } from '../system/clock.ts';
import {
  controlGroupsOf,
  hasInEnvironment,
  hasMembers,
  type ProcessRelations,
  processView,
  runningProcesses,
  signalProcess,
} from '../system/processes.ts';
import { MARKER_VARIABLE } from './environment.ts';
import { isInScope, scopeFolders, scopePrefix, sessionScope } from './scope.ts';

export interface HookProcesses {
  /** The identifier of the host command that the hook runs for. */
  readonly marker: string;
  /** null: not known any more, because another agent process started the hook. */
  readonly groupId: number | null;
  /** How the name of its scope begins, or of all scopes of the command. */
  readonly scope: string;
}

/** After SIGKILL nothing lives on but what the kernel itself holds (a dead network disk): no use waiting longer for that. */
const REAP_MS = 5_000;
const LOOK_AGAIN_MS = 20;
/** Each look finds a generation more; what is deeper is found by the next round. */
const MAX_LOOKS = 50;

/** @returns the processes of the hook that run now; the number of its group for those of the group that are hidden */
export function processesOfHook(hook: HookProcesses, proc?: string): number[] {
  return createSearch(hook, proc)().map(({ pid }) => pid);
}

/**
 * Ends a hook: SIGTERM to all its processes, and SIGKILL to those that are there after the grace.
 *
 * @param graceMs 0: SIGKILL at once
 * @returns those that cannot be ended: another user's, or held by the kernel
 */
export async function endHook(
  clock: Clock,
  hook: HookProcesses,
  graceMs: number,
  proc?: string,
): Promise<readonly number[]> {
  const search = createSearch(hook, proc);
  if (graceMs > 0) {
    signalAll(hook, search(), 'SIGTERM');
    await untilGone(clock, search, graceMs);
  }
  const left = await untilGone(clock, () => killAll(hook, search), REAP_MS);
  return left.map(({ pid }) => pid);
}

/** Every process that any hook of a host command has started. */
export function allHooksOf(hostCommandIdentifier: string): HookProcesses {
  return { marker: hostCommandIdentifier, groupId: null, scope: scopePrefix(hostCommandIdentifier) };
}

/**
 * Kills every process of a hook that was left behind.
 *
 * @returns how many there were that can be seen; `processView` says whether those are all
 */
export async function killProcessesOf(clock: Clock, hostCommandIdentifier: string, proc?: string): Promise<number> {
  const hook = allHooksOf(hostCommandIdentifier);
  const before = processesOfHook(hook, proc).length;
  const left = before === 0 ? [] : await endHook(clock, hook, 0, proc);
  return before - left.length;
}

/** Each call looks anew; who was once found to belong to the hook still does when its parent has gone. */
type Search = () => readonly ProcessRelations[];

function createSearch({ marker, groupId, scope }: HookProcesses, proc?: string): Search {
  const known = new Set<string>();
  const sessions = new Set<string>();
  return () => {
    const processes = runningProcesses(proc);
    for (const { pid, group } of processes) if (group === groupId) addSessionOf(pid, sessions);
    // An agent that a hook has started carries that hook's marker; it must not end itself.
    const spared = ownLine(processes);
    const found = new Set<ProcessRelations>();
    const queue = processes.filter(
      (candidate) =>
        candidate.group === groupId ||
        known.has(nameOf(candidate)) ||
        bearsSignOf(candidate.pid, marker, scope) ||
        (sessions.size > 0 && sessions.has(sessionScope(controlGroupsOf(candidate.pid)) ?? '')),
    );
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (spared.has(next.pid) || found.has(next)) continue;
      found.add(next);
      known.add(nameOf(next));
      for (const other of processes) if (other.parent === next.pid) queue.push(other);
    }
    const hidden = [...found].some(({ group }) => group === groupId) ? null : hiddenMembers(groupId, proc);
    return hidden === null ? [...found] : [...found, hidden];
  };
}

/** Returns one entry that stands for all members of a group where they cannot be seen, by the group's number. */
function hiddenMembers(groupId: number | null, proc?: string): ProcessRelations | null {
  if (groupId === null || !hasMembers(groupId) || processView(proc) === 'all') return null;
  return { pid: groupId, parent: 0, group: groupId, startTime: '' };
}

/**
 * `su` in a service opens a login session, and systemd moves it there from the hook's scope. A session that this process is in itself is
 * somebody's terminal, and none of the hook's.
 */
function addSessionOf(pid: number, sessions: Set<string>): void {
  const session = sessionScope(controlGroupsOf(pid));
  if (session !== null && session !== sessionScope(controlGroupsOf(process.pid))) sessions.add(session);
}

/** A process in the scope of another script of the same event has the marker, too, and has nothing to do with this one. */
function bearsSignOf(pid: number, marker: string, scope: string): boolean {
  const controlGroups = controlGroupsOf(pid);
  if (isInScope(controlGroups, scope)) return true;
  return !isInScope(controlGroups, scopePrefix(marker)) && hasInEnvironment(pid, MARKER_VARIABLE, marker);
}

/** A pid may be given to another process one day; with the start time it names this one. */
function nameOf({ pid, startTime }: ProcessRelations): string {
  return `${pid} ${startTime}`;
}

/**
 * Stops all before it kills any. Otherwise a shell whose child dies first starts the next command, dies itself, and leaves an orphan that
 * nothing ties to the hook any more. A process with a signal pending cannot fork, so when a look finds nobody new, nobody is missing.
 */
function killAll(hook: HookProcesses, search: Search): readonly ProcessRelations[] {
  killControlGroups(hook, search());
  const stopped = new Set<string>();
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const found = search();
    if (found.every((one) => stopped.has(nameOf(one)))) break;
    signalAll(hook, found, 'SIGSTOP');
    for (const one of found) stopped.add(nameOf(one));
  }
  const found = search();
  signalAll(hook, found, 'SIGKILL');
  return found;
}

/** Kills all processes of a control group in one stroke, where the kernel can do it; else one at a time. */
function killControlGroups({ scope }: HookProcesses, found: readonly ProcessRelations[]): void {
  if (isInScope(controlGroupsOf(process.pid), scope)) return;
  const folders = new Set(found.flatMap(({ pid }) => scopeFolders(controlGroupsOf(pid), scope)));
  for (const folder of folders) {
    try {
      writeFileSync(`${folder}/cgroup.kill`, '1', { flag: 'r+' });
    } catch {
      // A kernel before 5.14, or another kind of hierarchy.
    }
  }
}

function signalAll(hook: HookProcesses, found: readonly ProcessRelations[], signal: NodeJS.Signals): void {
  // The group in one call: what forks faster than anybody can look is caught there.
  const hasGroup = found.some(({ group }) => group === hook.groupId);
  if (hook.groupId !== null && hasGroup) signalProcess(-hook.groupId, signal);
  for (const { pid, group } of found) if (group !== hook.groupId) signalProcess(pid, signal);
}

/** Looks until none is left, or no longer. @returns those that are */
async function untilGone(clock: Clock, look: Search, limitMs: number): Promise<readonly ProcessRelations[]> {
  using limit = timeLimit(clock, limitMs);
  for (;;) {
    const left = look();
    if (left.length === 0 || limit.isOver()) return left;
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
