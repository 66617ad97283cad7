/** A list of the API in a component, page by page: only the page that is shown is read, and read again. */
import { useCallback, useRef, useState } from 'react';
import type { Refusal } from './call.ts';
import { type LoadPage, newWalk, readPage, type ShownPage } from './page-walk.ts';
import { useData } from './use-data.ts';

export interface Pages<Entry> {
  /** null: not there yet. */
  readonly shown: ShownPage<Entry> | null;
  readonly problem: Refusal | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
  /** Goes to a page, from 0. */
  readonly turn: (page: number) => void;
}

/**
 * @param key says which list it is; another list begins with its first page
 * @param size entries of a page
 * @param detail makes what is shown of the entries of a page, as where a list has names alone
 */
export function usePages<Entry, Shown>(
  key: string,
  size: number,
  load: LoadPage<Entry>,
  detail: (entries: readonly Entry[], signal: AbortSignal) => Promise<readonly Shown[]>,
): Pages<Shown> {
  const [at, setAt] = useState({ key, page: 0 });
  const page = at.key === key ? at.page : 0;
  const walk = useRef({ key, walk: newWalk() });
  if (walk.current.key !== key) walk.current = { key, walk: newWalk() };
  const { data, problem, isLoading, reload } = useData(`${key} page ${page}`, async (signal) => {
    const shown = await readPage(walk.current.walk, page, size, load, signal);
    return { ...shown, entries: await detail(shown.entries, signal) };
  });
  const turn = useCallback((next: number) => setAt({ key, page: next }), [key]);
  return { shown: data, problem, isLoading, reload, turn };
}

/** The entries of a list as they are. */
export async function asTheyAre<Entry>(entries: readonly Entry[]): Promise<readonly Entry[]> {
  return entries;
}
