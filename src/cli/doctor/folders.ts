/** What the doctor says about the agent's folders: who may write them, on which mounts they are, and how full those are. */

import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { execaSync } from 'execa';
import type { AgentConfig } from '../../config/agent-config.ts';
import { type Mount, mountOf } from '../../system/mounts.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { lookupUser } from '../../system/users.ts';
import { type Finding, fail, ok, warn } from './check.ts';
import type { Environment } from './surroundings.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Below this the next revision of usual size may not fit. */
const LITTLE_BYTES = GIB;
const LITTLE_INODES = 50_000;
/** Below this nothing fits. */
const NO_BYTES = 16 * MIB;
const NO_INODES = 200;

export interface FolderFacts {
  /** The agent's; null: none runs. It may see other mounts than whoever asks. */
  readonly pid: number | null;
  /** Whom the folders must be open to; null: to whoever asks. */
  readonly user: string | null;
  readonly env: Environment;
}

export function lookAtFolders(config: AgentConfig, facts: FolderFacts): Finding[] {
  const folders = [config.rootDir, config.logDir, config.pidDir];
  return [...folders.map((path) => lookAtFolder(path, facts)), ...lookAtExecution(config, facts), ...lookAtTmp(facts)];
}

function lookAtFolder(path: string, facts: FolderFacts): Finding {
  const check = `folder ${path}`;
  // One that is not there yet is made, if the nearest that is there allows it.
  const nearest = nearestOf(path);
  const stat = statSync(nearest);
  const { mode, uid } = stat;
  if (!stat.isDirectory()) {
    return fail(check, `${nearest} is no folder`, `Move ${nearest} away, or name another folder in the configuration.`);
  }
  const mount = mountFor(nearest, facts);
  if (mount?.options.has('ro'))
    return fail(check, `is on ${mount.mountPoint}, which is mounted read-only`, remedyOfReadOnly(mount));
  const mayWrite = canWrite(nearest, facts.user);
  if (mayWrite === null) {
    return warn(check, `whether ${facts.user} may write it, only root can tell`, 'Run the doctor as root.');
  }
  if (!mayWrite) {
    const who = facts.user ?? 'the user who asks';
    const remedy =
      facts.user === null
        ? `Run the doctor as root or as the agent’s user; if that user cannot write it either, chown it: it belongs to uid ${uid} now.`
        : `Give the service’s user the folder: \`${shellCommand('chown', '-R', `${facts.user}:`, nearest)}\`.`;
    return fail(check, `cannot be written by ${who}`, remedy);
  }
  if (nearest === path && (mode & 0o002) !== 0) {
    const remedy = `${shellCommand('chmod', 'o-w', path)}: whoever writes there decides what root runs.`;
    return warn(check, 'may be written by everybody', remedy);
  }
  return ok(check, nearest === path ? 'can be written' : 'is not there yet, and can be made');
}

function remedyOfReadOnly({ mountPoint, options }: Mount): string {
  const forAll = mountOf(mountPoint);
  // Only in what the service sees.
  if (forAll !== null && forAll.mountPoint === mountPoint && !forAll.options.has('ro')) return OF_UNIT;
  if (forAll !== null && forAll.mountPoint !== mountPoint) return OF_UNIT;
  const why = options.has('errors=remount-ro')
    ? 'The kernel does that after faults of the disk: look at `dmesg` first. Then '
    : '';
  return `${why}\`${shellCommand('mount', '-o', 'remount,rw', mountPoint)}\`, and correct its line in /etc/fstab; or move the folder (root_dir, log_dir, pid_dir).`;
}

const OF_UNIT =
  'The unit makes it read-only for the service: take ProtectSystem=, ReadOnlyPaths= and their like out of it, or name the folder in ReadWritePaths=.';

/** Scripts are run where they were unpacked to. */
function lookAtExecution({ rootDir }: AgentConfig, facts: FolderFacts): Finding[] {
  const mount = mountFor(rootDir, facts);
  if (mount === null || !mount.options.has('noexec')) return [];
  const { mountPoint } = mount;
  return [
    fail(
      'scripts',
      `cannot run: root_dir ${rootDir} is on ${mountPoint}, which is mounted noexec`,
      `\`${shellCommand('mount', '-o', 'remount,exec', mountPoint)}\`, and take noexec out of its line in /etc/fstab; or set root_dir to a folder elsewhere.`,
    ),
  ];
}

/** What scripts and programs write on the way. */
function lookAtTmp(facts: FolderFacts): Finding[] {
  const path = facts.env['TMPDIR'] || '/tmp';
  const check = `temporary folder ${path}`;
  const where = facts.env['TMPDIR'] ? 'TMPDIR of the agent’s environment' : 'the machine';
  if (!existsSync(path)) {
    return [
      fail(check, 'does not exist', `Make it (\`${shellCommand('mkdir', '-m', '1777', path)}\`), or correct ${where}.`),
    ];
  }
  const full = fullness(path);
  return full === null ? [] : [fail(check, full.detail, full.remedy)];
}

export function lookAtDisk(config: AgentConfig): Finding[] {
  const seen = new Set<number>();
  return [config.rootDir, config.pidDir, config.logDir].flatMap((path) => {
    const nearest = nearestOf(path);
    const { dev } = statSync(nearest);
    if (seen.has(dev)) return [];
    seen.add(dev);
    const full = fullness(nearest);
    if (full !== null) return [fail('disk', `${full.detail} for ${path}`, full.remedy)];
    return path === config.rootDir ? [lookAtRoom(path, nearest)] : [];
  });
}

function lookAtRoom(rootDir: string, nearest: string): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(nearest);
  const inodes = files === 0 ? 'any number of' : String(ffree);
  const detail = `${((bavail * bsize) / GIB).toFixed(1)} GiB and ${inodes} inodes free for ${rootDir}`;
  if (bavail * bsize >= LITTLE_BYTES && (files === 0 || ffree >= LITTLE_INODES)) return ok('disk', detail);
  const remedy =
    'Make room, or lower max_revisions or max_revisions_bytes; downloads that do not fit are refused before they begin.';
  return warn('disk', detail, remedy);
}

/** What is used up where a path is; null: nothing is. */
export function fullness(path: string): { readonly detail: string; readonly remedy: string } | null {
  const { bavail, bsize, ffree, files } = statfsSync(path);
  if (bavail * bsize < NO_BYTES) {
    return {
      detail: `is full: ${((bavail * bsize) / MIB).toFixed(1)} MiB free`,
      remedy: `Make room: \`${shellCommand('du', '-xh', path)} | sort -h | tail\` shows what is large. Lower max_revisions or max_revisions_bytes if it is old revisions.`,
    };
  }
  if (files === 0 || ffree >= NO_INODES) return null;
  return {
    detail: `has no inodes left: ${ffree} free, though there are ${((bavail * bsize) / GIB).toFixed(1)} GiB`,
    remedy: `Remove small files: \`${shellCommand('du', '-x', '--inodes', path)} | sort -n | tail\` shows where they are. Room in bytes is not what is missing.`,
  };
}

function nearestOf(path: string): string {
  let nearest = path;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}

function mountFor(path: string, { pid }: FolderFacts): Mount | null {
  const ofAgent = `/proc/${pid}/mountinfo`;
  return pid !== null && canRead(ofAgent) ? mountOf(path, ofAgent) : mountOf(path);
}

function canRead(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @param user null: who asks. @returns null: it cannot be told */
function canWrite(folder: string, user: string | null): boolean | null {
  return canDo(['-w', folder, '-a', '-x', folder], user);
}

/** Whether the user may read a file. @returns null: it cannot be told */
export function canReadAs(file: string, user: string | null): boolean | null {
  return canDo(['-r', file], user);
}

function canDo(condition: readonly string[], user: string | null): boolean | null {
  const as = prefixFor(user);
  if (as === null) return null;
  const [program = 'test', ...args] = [...as, 'test', ...condition];
  const { exitCode } = execaSync(program, args, { reject: false, stdin: 'ignore', timeout: 10_000 });
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
