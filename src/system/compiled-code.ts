/**
 * What V8 makes of this program's own code: kept from one start to the next for commands, and kept out of the memory of the agent's daemon.
 * Sources are left alone: a checkout is for those who change them, and Node strips their types by WebAssembly.
 */
import { lstatSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

/** Bits of those who are not the owner. */
const OTHERS_MAY_WRITE = 0o022;

/**
 * Keeps the compiled code of a command beside the program, which takes 20 ms less than to compile it anew. Code in that folder is run by
 * whoever starts the command. So it is used only where the program's folder is this user's, and nobody else may write there. It goes with
 * the program's folder. A folder that cannot be written costs nothing but the time.
 *
 * @param programFolder absolute: the folder of the built program
 */
export function keepCompiledCode(programFolder: string): void {
  const { uid, mode } = lstatSync(programFolder);
  if (uid === process.getuid?.() && (mode & OTHERS_MAY_WRITE) === 0) enableCompileCache(`${programFolder}/compiled`);
}

/**
 * Node's options for a daemon that waits. It does nothing often enough for code of the machine to pay, and the first use of each compiler
 * maps megabytes of V8's own code.
 */
const FOR_WAITING: readonly string[] = ['--jitless', '--optimize-for-size'];

/**
 * Starts this very process anew without V8's compilers, which it takes no flag for later. It has the same number, arguments, environment
 * and standard streams.
 *
 * @returns only where that cannot be: it is done already, or an argument names an open descriptor, which would be lost
 */
export function restartWithoutCompilers(): void {
  const { execArgv, execPath, argv, env } = process;
  const isDone = FOR_WAITING.every((option) => execArgv.includes(option));
  if (isDone || argv.some((word) => /\/fd\/\d/.test(word))) return;
  try {
    process.execve?.(execPath, [execPath, ...FOR_WAITING, ...execArgv, ...argv.slice(1)], env);
  } catch {
    // Its program may be gone by now, and the agent works as it is.
  }
}

/** Node's options of this process for another one that does work: it needs the compilers. */
export function optionsForWork(): readonly string[] {
  return process.execArgv.filter((option) => !FOR_WAITING.includes(option));
}
