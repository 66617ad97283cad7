import { execaSync } from 'execa';

/**
 * Runs a program to its end.
 *
 * @param debianPackage that has it, for whoever lacks it
 * @param input what it reads from standard input
 * @returns what it wrote to standard output
 */
export function run(
  program: string,
  args: readonly string[],
  debianPackage: string,
  environment: Readonly<Record<string, string>> = {},
  input = '',
): string {
  const done = execaSync(program, args, { env: { ...environment, LC_ALL: 'C' }, input, reject: false });
  if (done.code === 'ENOENT') throw new Error(`${program} is not installed; Debian has it in ${debianPackage}`);
  if (done.failed) throw new Error(`${program} ${args.join(' ')} failed: ${done.stderr || done.shortMessage}`);
  return done.stdout;
}
