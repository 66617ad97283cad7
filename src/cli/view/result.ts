import { printable } from '../../system/printable.ts';
import type { CliContext } from '../context.ts';

/** Options of every command that answers with a result. */
export interface ResultOptions {
  readonly json?: boolean;
}

/** Prints the result of a command: its value as one line of JSON, or its lines for people. */
export function printResult(
  ctx: Pick<CliContext, 'stdout'>,
  options: ResultOptions,
  value: unknown,
  lines: readonly string[],
): void {
  ctx.stdout.writeLines(options.json === true ? [JSON.stringify(value)] : lines);
}

/** Results of one command for several names: one line of JSON each, or their lines with an empty one between. */
export function printResults(
  ctx: Pick<CliContext, 'stdout'>,
  options: ResultOptions,
  results: readonly { readonly value: unknown; readonly lines: readonly string[] }[],
): void {
  for (const [index, { value, lines }] of results.entries()) {
    printResult(ctx, options, value, index === 0 ? lines : ['', ...lines]);
  }
}

/** As `printResult`, for one line. */
export function printLine(ctx: Pick<CliContext, 'stdout'>, options: ResultOptions, value: unknown, line: string): void {
  printResult(ctx, options, value, [line]);
}

/** Asks before something is deleted for good. Nobody at a terminal, or `--yes`: no question. */
export async function isWanted(
  ctx: Pick<CliContext, 'ask' | 'stderr'>,
  options: { readonly yes?: boolean },
  question: string,
): Promise<boolean> {
  if (options.yes === true || ctx.ask === null) return true;
  if (/^y(es)?$/i.test((await ctx.ask(`${printable(question)} [y/N] `)).trim())) return true;
  ctx.stderr.write('slipway: nothing was changed\n');
  return false;
}
