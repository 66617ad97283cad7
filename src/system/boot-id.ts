import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { systemErrorCode } from '../errors.ts';

/** Clocks are set now and then by less than this; milliseconds. */
const SAME_BOOT_MS = 10 * 60_000;

/**
 * Which run of the machine this is: what was only in memory in another one is gone. Where /proc is missing, the time at which it began
 * stands for it; a clock that was set by minutes then makes it another run, which costs a download and harms nothing.
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' && systemErrorCode(error) !== 'EACCES') throw error;
    return `began-${Math.round((Date.now() - uptime() * 1000) / SAME_BOOT_MS)}`;
  }
}
