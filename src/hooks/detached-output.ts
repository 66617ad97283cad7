/**
 * The output of what a script has left running, once nobody waits for it any more.
 *
 * A pipe that loses its last reader kills its next writer, so the reader must outlive the agent. A shell with a `dd`, a megabyte of memory
 * between them, copies to a file until the last writer has gone. A file that cannot be written (no space, folder removed) costs output,
 * never the application.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { runDetachedShell } from '../system/detached-shell.ts';

/** A file of this size makes room for the next; one older is kept. */
const FILE_BYTES = 16 * 1024 * 1024;
/** Reads between two looks at the size; each is of what is there, at most 64 KiB. */
const READS = 256;

/** `dd` writes each line as it comes, which `head -c` does not, and says how many blocks it has read: none means the end. */
const COPY = `
trap '' HUP INT TERM
file=$1; shift
for group; do echo $$ > "$group/cgroup.procs"; done 2> /dev/null
copy() { LC_ALL=C dd bs=65536 count=${READS}; }
while :; do
  said=$( { copy >> "$file"; } 2>&1 )
  case $said in *records\\ in*) ;; *) said=$( { copy > /dev/null; } 2>&1 ) ;; esac
  case $said in 0+0\\ records\\ in*|*error\\ reading*) break ;; *records\\ in*) ;; *) sleep 1 ;; esac
  size=$(wc -c < "$file" 2> /dev/null) || continue
  [ "$size" -lt ${FILE_BYTES} ] || mv -f "$file" "$file.1"
done
[ -s "$file" ] || rm -f "$file"
`;

/** The first of `path`, `path.2`, … that is new, made. @returns null when none can be made */
export function newOutputFile(path: string): string | null {
  for (let n = 1; n < 1000; n += 1) {
    const candidate = n === 1 ? `${path}.log` : `${path}.${n}.log`;
    try {
      mkdirSync(dirname(candidate), { recursive: true, mode: 0o755 });
      closeSync(openSync(candidate, 'ax', 0o644));
      return candidate;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') return null;
    }
  }
  return null;
}

/**
 * Starts a process that copies a pipe to a file until the pipe ends.
 *
 * @param readEnd is copied for the process; the caller closes its own
 * @param file null: there is nowhere to write to, and what comes is thrown away
 * @param controlGroups folders of the control group where the writers are, so that the reader is stopped with them and not with the agent
 */
export function copyDetached(readEnd: number, file: string | null, controlGroups: readonly string[]): void {
  // An order to end the hook's processes must not end the reader before the writers: it does not have their marker.
  runDetachedShell(COPY, ['slipway-output', file ?? '', ...controlGroups], readEnd);
}
