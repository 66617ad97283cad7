/**
 * Patterns with wildcards, compared in time that grows with pattern times text at most. As regular expressions, a few stars in a pattern
 * and a text made for it would take longer than the machine lasts. Pure.
 */

/** A part of a pattern. Characters are UTF-16 units. */
export type WildcardPart =
  | { readonly kind: 'text'; readonly text: string }
  /** Exactly one character that is not among those. */
  | { readonly kind: 'one'; readonly except: string }
  /** Any number of them. */
  | { readonly kind: 'many'; readonly except: string }
  /** Nothing, or any text that ends in this one character. */
  | { readonly kind: 'many-up-to'; readonly end: string };

interface Step {
  takes(character: string): boolean;
  readonly isRepeated: boolean;
  /** How many steps may be left out, this one included, without a character. */
  readonly skips: readonly number[];
}

/**
 * @param isEnd whether a match may end before this character, which is empty at the text's end
 * @returns whether a text matches from its beginning
 */
export function wildcardMatcher(
  parts: readonly WildcardPart[],
  isEnd: (next: string) => boolean = (next) => next === '',
): (text: string) => boolean {
  const steps = parts.flatMap(stepsOf);
  const beginning = parts[0]?.kind === 'text' ? parts[0].text : '';
  return (text) => {
    if (!text.startsWith(beginning)) return false;
    let reached = withSkips(steps, new Set([0]));
    for (let at = 0; reached.size > 0; at += 1) {
      const character = text.charAt(at);
      if (reached.has(steps.length) && isEnd(character)) return true;
      if (character === '') return false;
      const next = new Set<number>();
      for (const index of reached) {
        const step = steps[index];
        if (step?.takes(character) === true) next.add(step.isRepeated ? index : index + 1);
      }
      reached = withSkips(steps, next);
    }
    return false;
  };
}

function withSkips(steps: readonly Step[], reached: Set<number>): Set<number> {
  // A set is walked through in the order of its growth: what is added is met as well.
  for (const index of reached) for (const skip of steps[index]?.skips ?? []) reached.add(index + skip);
  return reached;
}

function stepsOf(part: WildcardPart): Step[] {
  switch (part.kind) {
    case 'text':
      return part.text
        .split('')
        .map((own) => ({ takes: (character) => character === own, isRepeated: false, skips: [] }));
    case 'one':
      return [{ takes: (character) => !part.except.includes(character), isRepeated: false, skips: [] }];
    case 'many':
      return [{ takes: (character) => !part.except.includes(character), isRepeated: true, skips: [1] }];
    case 'many-up-to':
      return [
        { takes: () => false, isRepeated: false, skips: [1, 3] },
        { takes: () => true, isRepeated: true, skips: [1] },
        { takes: (character) => character === part.end, isRepeated: false, skips: [] },
      ];
  }
}

/** Whether a whole text is what a pattern says: `*` stands for any characters, none among them, and all else for itself. */
export function starMatcher(pattern: string): (text: string) => boolean {
  const any: WildcardPart = { kind: 'many', except: '' };
  const texts = pattern.split('*').map((text): WildcardPart => ({ kind: 'text', text }));
  return wildcardMatcher(texts.flatMap((text, index) => (index === 0 ? [text] : [any, text])));
}

/** Whether a text is such a pattern of names: 1 to 100 of the characters that names have, and the star. */
export function isStarPattern(text: string): boolean {
  return /^[A-Za-z0-9+=,.@_*-]{1,100}$/.test(text);
}
