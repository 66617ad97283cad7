import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Clocks are set now and then by less than this; milliseconds. */
const SAME_BOOT_MS = 10 * 60_000;

const FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the kernel's id of this run of the machine; null: the kernel does not say. */
export function kernelBootId(file = FILE): string | null {
  try {
    const id = readFileSync(file, 'utf8').trim();
    return BOOT_ID.test(id) ? id : null;
  } catch {
    return null;
  }
}

/**
 * Which run of the machine this is: what was only in memory in another one is gone. Where the kernel does not say, the time of its start
 * stands for the id. A clock set by minutes then counts as another run, which costs a download and harms nothing.
 */
export function bootId(file = FILE): string {
  return kernelBootId(file) ?? `began-${Math.round((Date.now() - uptime() * 1000) / SAME_BOOT_MS)}`;
}
