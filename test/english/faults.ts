import type { Sentence } from './sentences.ts';

/** The words in one sentence that a reader at three in the morning still takes in. */
const MOST_WORDS = 25;
/** A doc line that begins so has no subject, or hides it behind the verb. A page may say "To install it, run …". */
const NO_SUBJECT = /^(?:Of|What|Who|Whoever|By|To)\b/u;

export interface Counts {
  /** Sentences of doc comments, and how many of them begin without a subject. */
  readonly docs: number;
  readonly subjectless: number;
  /** Sentences of all kinds, and how many are too long. */
  readonly sentences: number;
  readonly long: number;
}

export const NO_SENTENCES: Counts = { docs: 0, subjectless: 0, sentences: 0, long: 0 };

export function isSubjectless({ kind, text }: Sentence): boolean {
  return kind === 'doc' && NO_SUBJECT.test(text);
}

/** A word is what stands between blanks and has a letter; a piece of code in backquotes is one. */
export function wordsOf({ text }: Sentence): number {
  const plain = text.replace(/`[^`]*`/gu, 'code').replace(/\]\([^)]*\)/gu, ']');
  return plain.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

export function isLong(sentence: Sentence): boolean {
  return wordsOf(sentence) > MOST_WORDS;
}

export function count(counts: Counts, sentence: Sentence): Counts {
  return {
    docs: counts.docs + Number(sentence.kind === 'doc'),
    subjectless: counts.subjectless + Number(isSubjectless(sentence)),
    sentences: counts.sentences + 1,
    long: counts.long + Number(isLong(sentence)),
  };
}
