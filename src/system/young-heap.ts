/** The part of V8's heap where objects begin. */
import { setFlagsFromString } from 'node:v8';

/**
 * Leaves the young heap as small as it is at the start of a process, where it would grow to 32 MB. For a server to which thousands of
 * hosts hold a poll: each renewal is a little that lives for a minute, and so the young heap would be full of what is not young. `--max-semi-space-size`
 * has no effect after the start.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
