/** How a script is started: the program and its arguments. Pure. */
import type { Hook } from '../appspec/types.ts';
import { quoteForShell } from '../system/shell-word.ts';

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * @param script absolute path
 * @param isShellScript whether the file begins without `#!`: the kernel does not start it, and a shell is told to
 * @see the official agent 1.8.1, `linux_util.rb`: `sudo su USER -c SCRIPT` and its shorter forms. `-c` takes a shell's text, so the path is
 * quoted here; in the official agents a blank in the path breaks the command
 */
export function commandLineFor(
  hook: Pick<Hook, 'runas' | 'sudo'>,
  script: string,
  isShellScript: boolean,
): CommandLine {
  const start = isShellScript ? ['/bin/sh', script] : [script];
  const asUser = hook.runas === null ? start : ['su', hook.runas, '-c', start.map(quoteForShell).join(' ')];
  const [file = script, ...args] = hook.sudo ? ['sudo', ...asUser] : asUser;
  return { file, args };
}
