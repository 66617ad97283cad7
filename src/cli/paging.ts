/**
 * Follows `nextToken` through a paginated operation to its end, or until there are enough items.
 *
 * A server that gives the token that it was just asked with would be asked for ever; its list ends there.
 */
export async function collectPages<Page extends { nextToken?: string | undefined }, Item>(
  fetchPage: (nextToken: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[] | undefined,
  enough = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const items: Item[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await fetchPage(token);
    items.push(...(itemsOf(page) ?? []));
    if (page.nextToken === undefined || page.nextToken === token || items.length >= enough) return items;
    token = page.nextToken;
  }
}
