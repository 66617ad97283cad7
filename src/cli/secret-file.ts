/** A secret that a command reads. Never an argument: everybody on the machine sees those. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import { fileFault } from '../system/system-remedies.ts';
import { pathFrom } from '../system/working-folder.ts';
import type { CliContext } from './context.ts';

/** The standard input, as a file's name. */
const STANDARD_INPUT = '-';

/**
 * @param file that holds the token and nothing else but blanks around it; `-`: the standard input
 * @throws SlipwayError CLI_BAD_ARGUMENT when it cannot be read
 */
export function readTokenFile(ctx: Pick<CliContext, 'workingDirectory'>, file: string): string {
  try {
    return readFileSync(file === STANDARD_INPUT ? 0 : pathFrom(ctx.workingDirectory, file), 'utf8').trim();
  } catch (cause) {
    throw new SlipwayError(
      'CLI_BAD_ARGUMENT',
      `the token cannot be read from ${file}: ${messageOf(cause)}`,
      fileFault(cause),
    );
  }
}
