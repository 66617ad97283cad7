/** Rights of a user on a file or a folder: tried as that user, so that ACLs, security modules and quotas count, too. */
import { execaSync } from 'execa';
import { lookupUser } from '../../system/users.ts';

const LIMIT_MS = 10_000;

/** Whether the user may make files in a folder. @param user null: who asks. @returns null: it cannot be told */
export function canWriteAs(folder: string, user: string | null): boolean | null {
  return canDo(['-w', folder, '-a', '-x', folder], user);
}

/** Whether the user may read a file. @param user null: who asks. @returns null: it cannot be told */
export function canReadAs(file: string, user: string | null): boolean | null {
  return canDo(['-r', file], user);
}

/** Whether the user may read and write a file. @param user null: who asks. @returns null: it cannot be told */
export function canChangeAs(file: string, user: string | null): boolean | null {
  return canDo(['-r', file, '-a', '-w', file], user);
}

/** More than a block, which a quota that is used up would still give. */
const PROBE_BYTES = 256 * 1024;
const PROBE = `f=$(mktemp "$1/.slipway-doctor-XXXXXX") || exit 1
head -c ${PROBE_BYTES} /dev/zero > "$f"; s=$?; rm -f "$f"; exit $s`;

/**
 * Writes a file into a folder as the user, and takes it away.
 *
 * @param user null: who asks
 * @returns what the system says against it, in English; null: it went well, or it cannot be told
 */
export function writeProbe(folder: string, user: string | null): string | null {
  const as = prefixFor(user);
  if (as === null) return null;
  const [program = 'sh', ...args] = [...as, 'sh', '-c', PROBE, 'sh', folder];
  const { exitCode, stderr } = execaSync(program, args, {
    reject: false,
    stdin: 'ignore',
    timeout: LIMIT_MS,
    env: { LC_ALL: 'C', TMPDIR: undefined },
  });
  if (exitCode !== 1) return null;
  const [line = ''] = stderr.trim().split('\n');
  return line.slice(line.lastIndexOf(':') + 1).trim() || 'it cannot be written';
}

function canDo(condition: readonly string[], user: string | null): boolean | null {
  const as = prefixFor(user);
  if (as === null) return null;
  const [program = 'test', ...args] = [...as, 'test', ...condition];
  const { exitCode } = execaSync(program, args, { reject: false, stdin: 'ignore', timeout: LIMIT_MS });
  return exitCode === 0 ? true : exitCode === 1 ? false : null;
}

function prefixFor(user: string | null): readonly string[] | null {
  if (user === null) return [];
  const known = lookupUser(user);
  if (known === null) return null;
  if (known.uid === process.getuid?.()) return [];
  if (process.getuid?.() !== 0) return null;
  return ['setpriv', `--reuid=${known.uid}`, `--regid=${known.gid}`, '--init-groups', '--'];
}
