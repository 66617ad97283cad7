/** Finds resources by a part of their names; case does not matter. Pure. */
import type { Place } from '../routing/places.ts';

export type Kind = 'Application' | 'Group' | 'Deployment' | 'Host' | 'Revision';

export interface Entry {
  readonly kind: Kind;
  readonly name: string;
  /** Words that tell it from others of its name. */
  readonly detail: string;
  readonly place: Place;
}

/** An entry with its text in lower case, so that a search does not make it anew. */
export interface Indexed {
  readonly entry: Entry;
  readonly text: string;
}

export function indexOf(entries: readonly Entry[]): Indexed[] {
  return entries.map((entry) => ({ entry, text: `${entry.name} ${entry.detail}`.toLowerCase() }));
}

/**
 * Names that begin with the text come first, then those that hold it. Each word of the text must be found.
 *
 * @param most entries are returned
 */
export function find(index: readonly Indexed[], text: string, most: number): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return [];
  const beginning: Entry[] = [];
  const holding: Entry[] = [];
  for (const { entry, text: haystack } of index) {
    if (!words.every((word) => haystack.includes(word))) continue;
    if (haystack.startsWith(first)) beginning.push(entry);
    else if (holding.length < most) holding.push(entry);
    if (beginning.length >= most) break;
  }
  return [...beginning, ...holding].slice(0, most);
}
