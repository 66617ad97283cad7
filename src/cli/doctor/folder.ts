/** Whether one folder of a service can be written by the user that the service runs as. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Mount, mountOf } from '../../system/mounts.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { canWriteAs, writeProbe } from './access.ts';
import { type Finding, fail, ok, warn } from './check.ts';
import { fullness } from './room.ts';
import type { Environment } from './service-environment.ts';

export interface FolderFacts {
  /** The service's process; null: none runs. It may see other mounts than the user who asks. */
  readonly pid: number | null;
  /** User to whom the folders must be open; null: the user who asks. */
  readonly user: string | null;
  readonly env: Environment;
  /** How it is configured elsewhere, such as `move the folder (root_dir, log_dir, pid_dir)`. */
  readonly move: string;
  /** Why nobody else may write there. */
  readonly danger: string;
}

export function lookAtFolder(path: string, facts: FolderFacts): Finding {
  const check = `folder ${path}`;
  // One that is not there yet is made, if the nearest that is there allows it.
  const nearest = nearestOf(path);
  const stat = statSync(nearest);
  if (!stat.isDirectory()) {
    return fail(check, `${nearest} is no folder`, `Move ${nearest} away, or name another folder in the configuration.`);
  }
  const mount = mountFor(nearest, facts);
  if (mount?.options.has('ro')) {
    return fail(check, `is on ${mount.mountPoint}, which is mounted read-only`, remedyOfReadOnly(mount, facts));
  }
  const mayWrite = canWriteAs(nearest, facts.user);
  if (mayWrite === null) {
    return warn(check, `whether ${facts.user} may write it, only root can tell`, 'Run the doctor as root.');
  }
  if (!mayWrite) return refused(check, nearest, stat.uid, facts);
  const against = nearest === path && fullness(path) === null ? writeProbe(path, facts.user) : null;
  if (against !== null)
    return fail(check, `no file can be written there: ${against}`, remedyOfWrite(against, path, facts));
  if (nearest === path && (stat.mode & 0o002) !== 0) {
    return warn(check, 'may be written by everybody', `${shellCommand('chmod', 'o-w', path)}: ${facts.danger}`);
  }
  return ok(check, nearest === path ? 'can be written' : 'is not there yet, and can be made');
}

function refused(check: string, nearest: string, uid: number, { user }: FolderFacts): Finding {
  const who = user ?? 'the user who asks';
  const isRoot = (user === null && process.getuid?.() === 0) || user === 'root';
  const remedy = isRoot
    ? `Root itself is refused: look at \`${shellCommand('lsattr', '-d', nearest)}\` (\`chattr -i\` takes the mark away), at the mount, and at the security module’s log.`
    : user === null
      ? `Run the doctor as root or as the service’s user; if that user cannot write it either, chown it: it belongs to uid ${uid} now.`
      : `Give the service’s user the folder: \`${shellCommand('chown', '-R', `${user}:`, nearest)}\`.`;
  return fail(check, `cannot be written by ${who}`, remedy);
}

function remedyOfWrite(against: string, path: string, { user, move }: FolderFacts): string {
  if (/quota/i.test(against)) {
    return `The quota of ${user ?? 'this user'} is used up there: raise it (\`setquota\`, \`edquota\`), remove files, or ${move}.`;
  }
  if (/No space/.test(against)) {
    return `The disk has room, so a quota of the folder or project is used up (\`xfs_quota\`, \`repquota -P\`): raise it, or remove files below ${path}.`;
  }
  if (/Read-only/.test(against)) return 'The file system takes no writes: look at `dmesg`, and mount it anew.';
  if (/Input\/output/.test(against)) return 'The disk has faults: look at `dmesg`; save what is there, and replace it.';
  return `Look at \`${shellCommand('lsattr', '-d', path)}\`, at the mount, and at the log of SELinux or AppArmor; or ${move}.`;
}

function remedyOfReadOnly({ mountPoint, options }: Mount, { move }: FolderFacts): string {
  const forAll = mountOf(mountPoint);
  // Only in what the service sees.
  if (forAll !== null && forAll.mountPoint === mountPoint && !forAll.options.has('ro')) return OF_UNIT;
  if (forAll !== null && forAll.mountPoint !== mountPoint) return OF_UNIT;
  const why = options.has('errors=remount-ro')
    ? 'The kernel does that after faults of the disk: look at `dmesg` first. Then '
    : '';
  return `${why}\`${shellCommand('mount', '-o', 'remount,rw', mountPoint)}\`, and correct its line in /etc/fstab; or ${move}.`;
}

const OF_UNIT =
  'The unit makes it read-only for the service: take ProtectSystem=, ReadOnlyPaths= and their like out of it, or name the folder in ReadWritePaths=.';

/**
 * Checks the temporary folder, in which scripts and programs write on the way.
 *
 * @param whose such as `the agent’s`
 */
export function lookAtTmp({ env, user }: Pick<FolderFacts, 'env' | 'user'>, whose: string): Finding[] {
  const path = env['TMPDIR'] || '/tmp';
  const check = `temporary folder ${path}`;
  const where = env['TMPDIR'] ? `TMPDIR of ${whose} environment` : 'the machine';
  if (!existsSync(path)) {
    return [
      fail(check, 'does not exist', `Make it (\`${shellCommand('mkdir', '-m', '1777', path)}\`), or correct ${where}.`),
    ];
  }
  if (!statSync(path).isDirectory()) {
    return [
      fail(
        check,
        'is no folder',
        `Move it away and \`${shellCommand('mkdir', '-m', '1777', path)}\`, or correct ${where}.`,
      ),
    ];
  }
  const full = fullness(path, `Or name another folder in TMPDIR of ${whose} environment.`);
  if (full !== null) return [fail(check, full.detail, full.remedy)];
  const against = writeProbe(path, user);
  if (against === null) return [];
  const remedy = /Read-only/.test(against)
    ? `Mount it anew for writing (\`${shellCommand('mount', '-o', 'remount,rw', path)}\`), or correct ${where}.`
    : `\`${shellCommand('chmod', '1777', path)}\`, or correct ${where}.`;
  return [fail(check, `no file can be written there: ${against}`, remedy)];
}

export function nearestOf(path: string): string {
  let nearest = path;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}

/** The mount of a path, as the service sees it. */
export function mountFor(path: string, { pid }: Pick<FolderFacts, 'pid'>): Mount | null {
  const ofService = `/proc/${pid}/mountinfo`;
  return pid !== null && canRead(ofService) ? mountOf(path, ofService) : mountOf(path);
}

function canRead(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
