import { SlipwayError } from '../errors.ts';

/** A page holds tens of records at least where there are more; so many pages are no fleet's. */
const MOST_PAGES = 10_000;

/**
 * Follows `nextToken` through a paginated operation to its end, or until there are enough items.
 *
 * @throws SlipwayError SERVER_ANSWER_INVALID when the list has no end: a page comes again, or there are too many
 */
export async function collectPages<Page extends { nextToken?: string | undefined }, Item>(
  fetchPage: (nextToken: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[] | undefined,
  enough = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    const page = await fetchPage(token);
    items.push(...(itemsOf(page) ?? []));
    token = page.nextToken;
    if (token === undefined || items.length >= enough) return items;
    if (seen.has(token)) throw endless('it gives the same page again');
    if (seen.size >= MOST_PAGES) throw endless(`it has more than ${MOST_PAGES} pages`);
    seen.add(token);
  }
}

function endless(why: string): SlipwayError {
  return new SlipwayError('SERVER_ANSWER_INVALID', `the server’s list has no end: ${why}`);
}
