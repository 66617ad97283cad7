/** Messages about traffic begin with a code of the API's ErrorInformation, a colon and a blank. Pure. */
import { type FinishAction, failedWith } from '../hosts/ending.ts';

const CODED = /^([A-Z]+(?:_[A-Z]+)*): (.*)$/s;

/** Splits a message from its code. @param otherwise the code of a message without one */
export function codeAndText(
  message: string,
  otherwise = 'INTERNAL_ERROR',
): { readonly code: string; readonly text: string } {
  const [, code, text] = CODED.exec(message) ?? [];
  return code === undefined || text === undefined ? { code: otherwise, text: message } : { code, text };
}

/** How a deployment ends after a failure with such a message. */
export function failedBecause(message: string): FinishAction {
  const { code, text } = codeAndText(message);
  return failedWith(code, text);
}
