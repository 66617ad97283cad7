import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process exists and is not a zombie. */
export function isRunning(pid: number): boolean {
  return statusOf(pid) !== null;
}

/** Kills a process and all its descendants with SIGKILL, as a power cut would: children are found before any is killed. */
export function killTree(pid: number): void {
  for (const member of [pid, ...descendantsOf(pid)]) {
    try {
      process.kill(member, 'SIGKILL');
    } catch {
      // It was faster.
    }
  }
}

/** All living descendants of a process, through /proc. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = statusOf(Number(name));
    if (status !== null) children.set(status.parent, [...(children.get(status.parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const next = children.get(queue.pop() ?? 0) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

function statusOf(pid: number): { readonly parent: number } | null {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' ? null : { parent: Number(parent) };
  } catch {
    return null;
  }
}

/**
 * The most that a process and all its living descendants may have held at once; bytes. It is the sum of their own peaks (VmHWM), which need
 * not have been at one time. Pages of files, which is the program that they all run, count once.
 */
export function peakOfTree(pid: number): number {
  const peaks = [pid, ...descendantsOf(pid)].map(peakOf);
  return peaks.reduce((sum, { own }) => sum + own, 0) + Math.max(...peaks.map(({ ofFiles }) => ofFiles));
}

function peakOf(pid: number): { readonly own: number; readonly ofFiles: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { own: bytes('VmHWM') - bytes('RssFile'), ofFiles: bytes('RssFile') };
  } catch {
    // Ended already: what cannot be read does not count.
    return { own: 0, ofFiles: 0 };
  }
}
