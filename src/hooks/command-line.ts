import { accessSync, chmodSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { Hook } from '../appspec/types.ts';

/** How a script is started: the program and its arguments. */
export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * @param script absolute path
 * @param isShellScript whether the kernel needs a shell's help because the file begins without `#!`
 * @see the official agent 1.8.1, `linux_util.rb`: `sudo su USER -c SCRIPT` and its shorter forms. `-c` takes a shell's text, so the path is
 * quoted; the agents' own breaks on blanks
 */
export function commandLineFor(hook: Hook, script: string, isShellScript: boolean): CommandLine {
  const plain = isShellScript ? ['/bin/sh', script] : [script];
  const words =
    hook.runas === null
      ? hook.sudo
        ? ['sudo', ...plain]
        : plain
      : [...(hook.sudo ? ['sudo'] : []), 'su', hook.runas, '-c', plain.map(quoteForShell).join(' ')];
  const [file = script, ...args] = words;
  return { file, args };
}

export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What a look at the script's file says before it is started. */
export type ScriptFile =
  | { readonly state: 'ready'; readonly isShellScript: boolean }
  | { readonly state: 'missing' }
  | { readonly state: 'not-executable'; readonly why: string }
  /** Its first line ends with a carriage return: the kernel would look for an interpreter with that name. */
  | { readonly state: 'crlf'; readonly interpreter: string };

/** Looks at a script and makes it executable if it is not, as the official agents do; `onChmod` is told. */
export function examineScript(path: string, onChmod: () => void): ScriptFile {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) return { state: 'missing' };
  if ((stats.mode & 0o111) === 0 || !isExecutable(path)) {
    try {
      chmodSync(path, (stats.mode & 0o777) | 0o111);
      onChmod();
    } catch (error) {
      return { state: 'not-executable', why: error instanceof Error ? error.message : String(error) };
    }
  }
  const firstLine = readFirstLine(path);
  if (firstLine.startsWith('#!') && firstLine.endsWith('\r')) {
    return { state: 'crlf', interpreter: firstLine.slice(2).trim() };
  }
  return { state: 'ready', isShellScript: !firstLine.startsWith('#!') && !firstLine.startsWith('\u007fELF') };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readFirstLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(512);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return buffer.toString('latin1', 0, length).split('\n')[0] ?? '';
  } finally {
    closeSync(file);
  }
}
