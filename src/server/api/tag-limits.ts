/** Limits on a tag, of hosts as of applications and deployment groups. Pure. */
import { countCharacters, quote } from './input.ts';

/** In characters. */
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** The prefix of tags that AWS makes, in any case. */
const RESERVED = /^aws:/i;

/** @param path where the key is in the request @returns a sentence; null: a tag may be given this key */
export function problemOfNewTagKey(key: string, path: string): string | null {
  return RESERVED.test(key)
    ? `${path} begins with aws:, which is for tags that AWS makes, and is ${quote(key)}.`
    : problemOfTagKey(key, path);
}

/** @param path where the key is in the request @returns a sentence; null: the key is good */
export function problemOfTagKey(key: string, path: string): string | null {
  const length = countCharacters(key);
  return length > 0 && length <= MAX_KEY ? null : `${path} must have 1 to ${MAX_KEY} characters, but has ${length}.`;
}

/** @param least how many characters it needs @returns a sentence; null: the value is good */
export function problemOfTagValue(value: string, path: string, least: 0 | 1): string | null {
  const length = countCharacters(value);
  return length >= least && length <= MAX_VALUE
    ? null
    : `${path} must have ${least} to ${MAX_VALUE} characters, but has ${length}.`;
}
