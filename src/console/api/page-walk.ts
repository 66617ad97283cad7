/**
 * Pages of a list that the API gives page by page. A page of the API is shown as one page or several, so that a table stays short. A page
 * that was passed is found again by its token, without those before it. Pure but for the loading.
 */

/** A page as the API gives it. */
export interface ApiPage<Entry> {
  readonly entries: readonly Entry[];
  readonly nextToken: string | undefined;
  /** Entries on all pages, where the API says so. */
  readonly total?: number | undefined;
}

export type LoadPage<Entry> = (nextToken: string | undefined, signal: AbortSignal) => Promise<ApiPage<Entry>>;

/** Pages that are known so far. */
export interface Walk {
  /** Pages of the API: where each begins, and which shown pages it has, from 0. */
  readonly known: { readonly token: string | undefined; readonly first: number; count: number }[];
  /** null: the API has not said it. */
  total: number | null;
}

export interface ShownPage<Entry> {
  readonly entries: readonly Entry[];
  /** From 0; the last one where there are fewer than wanted. */
  readonly page: number;
  /** Pages that are known to be there. */
  readonly pages: number;
  /** Whether there may be more behind them. */
  readonly isOpenEnded: boolean;
  readonly total: number | null;
}

export function newWalk(): Walk {
  return { known: [{ token: undefined, first: 0, count: 0 }], total: null };
}

/** Reads one shown page. @param wanted from 0 @param size entries of a shown page */
export async function readPage<Entry>(
  walk: Walk,
  wanted: number,
  size: number,
  load: LoadPage<Entry>,
  signal: AbortSignal,
): Promise<ShownPage<Entry>> {
  const { known } = walk;
  const found = known.findIndex(({ first, count }) => wanted >= first && wanted < first + count);
  for (let at = found === -1 ? known.length - 1 : found; ; at += 1) {
    const here = known[at];
    if (here === undefined) throw new Error('a list has pages from its first one on');
    const { entries, nextToken, total } = await load(here.token, signal);
    if (total !== undefined) walk.total = total;
    const count = Math.ceil(entries.length / size);
    // The pages behind are others once this one has become shorter or longer.
    if (count !== here.count || nextToken === undefined) known.length = at + 1;
    here.count = count;
    const end = here.first + count;
    if (nextToken !== undefined && known.length === at + 1) known.push({ token: nextToken, first: end, count: 0 });
    if (wanted >= end && nextToken !== undefined) continue;
    if (count === 0 && here.first > 0) {
      // The list has become shorter, and ends before this page.
      known.length = at;
      return readPage(walk, here.first - 1, size, load, signal);
    }
    const index = Math.max(0, Math.min(wanted - here.first, count - 1));
    const isOpenEnded = nextToken !== undefined;
    return {
      entries: entries.slice(index * size, (index + 1) * size),
      page: here.first + index,
      pages: Math.max(1, end, isOpenEnded && walk.total !== null ? Math.ceil(walk.total / size) : 0),
      isOpenEnded: isOpenEnded && walk.total === null,
      total: walk.total,
    };
  }
}
