import { accessSync, chmodSync, constants, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { machine } from 'node:os';
import { join, resolve } from 'node:path';
import { PROGRAM_BYTES, programKind } from '../appspec/program-kind.ts';
import { nearPath } from '../appspec/suggest.ts';
import { messageOf, systemErrorCode } from '../errors.ts';
import { startsProgram } from '../system/binary-formats.ts';
import { BEGINNING_BYTES, readBeginning } from '../system/file-beginning.ts';
import { mountOf } from '../system/mounts.ts';
import { shellCommand } from '../system/shell-word.ts';

/** Result of the look at a script before it is started. */
export type ScriptFile =
  | { readonly state: 'ready'; readonly path: string; readonly isShellScript: boolean }
  /** `near` is a script of the revision with a name like it, relative to the archive. */
  | { readonly state: 'missing'; readonly path: string; readonly near: string | null }
  /** The script is a link, or below one, that leads out of the revision. */
  | { readonly state: 'outside'; readonly path: string; readonly leadsTo: string }
  | { readonly state: 'not-executable'; readonly why: string }
  /** Its first line ends with a carriage return: the kernel would look for an interpreter with that name. */
  | { readonly state: 'crlf'; readonly interpreter: string }
  /**
   * The program that its first line names cannot run it, or this machine cannot. Other messages would hide both. The kernel would say that
   * the script is missing. The C library would have a shell read a program for another machine as a script.
   */
  | { readonly state: 'no-interpreter'; readonly why: string };

/**
 * Looks at a script of a revision, and makes it executable if it is not, as the official agents do.
 *
 * @param location as in the AppSpec file, relative to the archive
 * @param onChmod is told when the mode was changed
 */
export function examineScript(archiveDir: string, location: string, onChmod: (path: string) => void): ScriptFile {
  const path = join(archiveDir, location);
  if (!isFile(path)) return { state: 'missing', path, near: nearScript(archiveDir, location) };
  const stats = statSync(path);
  const leadsTo = realpathSync(path);
  if (!leadsTo.startsWith(`${realpathSync(archiveDir)}/`)) return { state: 'outside', path, leadsTo };
  if ((stats.mode & 0o111) === 0 || !isExecutable(path)) {
    try {
      chmodSync(path, (stats.mode & 0o777) | 0o111);
      onChmod(path);
    } catch (error) {
      return { state: 'not-executable', why: messageOf(error) };
    }
  }
  const beginning = beginningOf(path);
  const firstLine = beginning.split('\n')[0] ?? '';
  if (!firstLine.startsWith('#!')) {
    const isShellScript = !beginning.includes('\0');
    if (isShellScript) return { state: 'ready', path, isShellScript };
    const why = whyNotStarted(path, beginning);
    return why === null ? startable(path) : { state: 'no-interpreter', why };
  }
  if (firstLine.endsWith('\r')) return { state: 'crlf', interpreter: firstLine.slice(2).trim() };
  const interpreter = /^#!\s*(\S+)/.exec(firstLine)?.[1];
  // Without a name the kernel refuses it, and a shell takes it for its own.
  if (interpreter === undefined) return { state: 'ready', path, isShellScript: true };
  const why = whyNoInterpreter('its interpreter', interpreter);
  return why === null ? startable(path) : { state: 'no-interpreter', why };
}

/** A file system that is mounted `noexec` starts nothing that lies on it, whatever its mode is; a shell may still read a script there. */
function startable(path: string): ScriptFile {
  if (isExecutable(path)) return { state: 'ready', path, isShellScript: false };
  const why = whyNoExec(path);
  return why === null ? { state: 'ready', path, isShellScript: false } : { state: 'not-executable', why };
}

function whyNoExec(path: string): string | null {
  const mount = mountOf(path);
  if (mount?.options.has('noexec') !== true) return null;
  return `the file system at ${mount.mountPoint} is mounted noexec, which starts no program; mount it with exec (${shellCommand('mount', '-o', 'remount,exec', mount.mountPoint)}), or set root_dir to a folder on another one`;
}

function nearScript(archiveDir: string, location: string): string | null {
  return nearPath(location, (folder) => {
    const path = join(archiveDir, folder);
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path) : [];
  });
}

/** A name that leads around in a circle, or that no file can have, leads to nothing either. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if (['ELOOP', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}

function whyNotStarted(path: string, beginning: string): string | null {
  const program = programKind(beginning.length < BEGINNING_BYTES ? beginning : readBeginning(path, PROGRAM_BYTES));
  if (program === null) return null;
  const { is, machines, loader } = program;
  if (startsProgram(machines, beginning, path)) {
    return loader === null ? null : whyNoInterpreter('the loader that it was built for,', loader);
  }
  return machines?.length === 0
    ? `it is ${is}; Linux starts text with a '#!' line, and programs built for it`
    : `it is ${is}, and this host is ${machine()}; build it for ${machine()}`;
}

/** @param called what the interpreter is to the script */
function whyNoInterpreter(called: string, interpreter: string): string | null {
  // A name that is not absolute is looked for where the script is started, which is always the same place.
  const path = resolve('/', interpreter);
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return `${called} ${interpreter} does not exist`;
    if (stats.isFile() && isExecutable(path)) return null;
    const mount = mountOf(path);
    const why =
      mount?.options.has('noexec') === true ? `: the file system at ${mount.mountPoint} is mounted noexec` : '';
    return `${called} ${interpreter} cannot be executed${why}`;
  } catch {
    // Out of this user's sight; whom `sudo` makes of it may see it.
    return null;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Reads the first bytes of a script. A file that only others may read counts as a program. */
function beginningOf(path: string): string {
  try {
    return readBeginning(path);
  } catch {
    return '\0';
  }
}
