/** Options of Node that a program gives itself. Node takes them for a new process alone, so the program starts itself anew. */

/**
 * A daemon that waits. It does nothing often enough for code of the machine to pay, and the first use of each compiler maps megabytes of V8's
 * own code.
 */
export const FOR_WAITING: readonly string[] = ['--jitless', '--optimize-for-size'];

/**
 * The server. A poll that is held leaves much behind that is soon garbage. It is collected in a smaller space as quickly as in Node's own of
 * 16 MB, of which V8 has two or three.
 */
export const FOR_SERVING: readonly string[] = ['--max-semi-space-size=8'];

/** A file that is open already: a new start would lose it. */
const OPEN_DESCRIPTOR = /\/fd\/\d/;

/**
 * Starts this very process anew with options of Node. It has the same number, arguments, environment and standard streams. Options that
 * the user has given count more.
 *
 * @returns only where that cannot be: it is done already, an argument or a variable names an open descriptor, or this Node cannot do it
 */
export function restartWith(options: readonly string[]): void {
  const { execArgv, execPath, argv, env } = process;
  const given = (env['NODE_OPTIONS'] ?? '').replaceAll('_', '-');
  const missing = options.filter((option) => !execArgv.includes(option) && !given.includes(nameOf(option)));
  const words = [...argv, ...Object.values(env)];
  if (missing.length === 0 || words.some((word) => word !== undefined && OPEN_DESCRIPTOR.test(word))) return;
  try {
    process.execve?.(execPath, [execPath, ...missing, ...execArgv, ...argv.slice(1)], env);
  } catch {
    // Its program may be gone by now, and the process works as it is.
  }
}

function nameOf(option: string): string {
  return option.split('=')[0] ?? option;
}

/** Node's options of this process for another one that does work: it needs the compilers. */
export function optionsForWork(): readonly string[] {
  return process.execArgv.filter((option) => !FOR_WAITING.includes(option));
}
