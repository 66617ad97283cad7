import { spawn } from 'node:child_process';
import { programEnvironment } from './program-environment.ts';

/**
 * Runs a text of the shell that may outlive this process, and that nobody waits for.
 *
 * @param args `$0`, which process lists show, and what follows it
 * @param stdin a descriptor, of which the shell gets its own copy
 */
export function runDetachedShell(text: string, args: readonly string[], stdin: number | 'ignore'): void {
  const shell = spawn('/bin/sh', ['-c', text, ...args], {
    cwd: '/',
    // Without a hook's marker: an order to end the hook's processes is none to this one.
    env: programEnvironment(),
    stdio: [stdin, 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.unref();
}
