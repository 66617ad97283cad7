/** Parses AppSpec files. The events of a deployment ask for the same file a dozen times; a parser that remembers reads its text once. */
import { type InstalledHooks, readInstalledHooks } from '../appspec/installed-hooks.ts';
import { parseAppSpec } from '../appspec/parse.ts';
import type { AppSpecResult } from '../appspec/types.ts';

export interface AppSpecParser {
  /** @param filename for messages about the file as a whole */
  parse(text: string, filename: string): AppSpecResult;
  /** The hooks of a revision that is installed already. @returns null when there is no sense in the text at all */
  parseInstalled(text: string): InstalledHooks | null;
}

/** Parses each text anew. */
export const plainAppSpecParser: AppSpecParser = {
  parse: (text, filename) => parseAppSpec(text, { filename, platform: 'linux' }),
  parseInstalled: readInstalledHooks,
};

/**
 * Remembers the last text of each kind and its result: a deployment reads one revision of its own and one that was there before. The text
 * is compared as a whole, so a file that was changed in between is parsed again.
 */
export function rememberingAppSpecParser(parser: AppSpecParser = plainAppSpecParser): AppSpecParser {
  return { parse: rememberLast(parser.parse), parseInstalled: rememberLast(parser.parseInstalled) };
}

function rememberLast<Asked extends readonly string[], Answer>(
  answer: (...asked: Asked) => Answer,
): (...asked: Asked) => Answer {
  let last: { readonly asked: Asked; readonly answer: Answer } | null = null;
  return (...asked) => {
    const isSame = last?.asked.every((text, index) => text === asked[index]) === true;
    if (last === null || !isSame) last = { asked, answer: answer(...asked) };
    return last.answer;
  };
}
