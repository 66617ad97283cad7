/** An AppSpec file of Lambda or ECS that is itself the revision. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import { pathFrom } from '../system/working-folder.ts';
import type { CliContext } from './context.ts';

const STANDARD_INPUT = '-';

/** @param file `-`: the standard input @throws SlipwayError CLI_BAD_ARGUMENT when it cannot be read */
export function appSpecRevision(ctx: Pick<CliContext, 'workingDirectory'>, file: string) {
  try {
    const content = readFileSync(file === STANDARD_INPUT ? 0 : pathFrom(ctx.workingDirectory, file), 'utf8');
    return { revisionType: 'AppSpecContent', appSpecContent: { content } } as const;
  } catch (cause) {
    const why = `the AppSpec file cannot be read from ${file}: ${messageOf(cause)}`;
    throw new SlipwayError('CLI_BAD_ARGUMENT', why, { cause });
  }
}
