/** Text of strangers as it can be shown: without what moves, hides or turns it. Pure. */

/** Colours and movements of a terminal. */
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Line breaks and tabs stay; other characters that cannot be seen are shown by their numbers. */
export function plainText(text: string): string {
  return text.replace(TERMINAL, '').replace(UNSEEN, (character) => {
    if (character === '\n' || character === '\t') return character;
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}
