import { readFileSync } from 'node:fs';

/** Which run of the machine this is: what was only in memory in another one is gone. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
