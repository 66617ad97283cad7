import { ApiError } from '../../protocol/errors.ts';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import type { ApiContext, Input } from './context.ts';
import { readText } from './input.ts';

/** As many as a page has; the API lets nobody choose. */
export const PAGE_SIZE = 100;

/**
 * Where the next page begins. A token is sealed, so nobody can make one up, and it is bound to the operation and to what was asked for.
 */
export interface PageToken {
  /** The last entry of the page before; empty on the first. */
  readonly after: string;
  /** The token for the page behind `last`. */
  next(last: string): string;
}

/** @throws ApiError InvalidNextTokenException for a token of another request, or none at all */
export function readPageToken(
  ctx: Pick<ApiContext, 'sealer'>,
  operation: string,
  input: Input,
  member = 'nextToken',
): PageToken {
  const { [member]: _token, ...filters } = input;
  const binding = bindingOf(operation, filters);
  const token = readText(input, member);
  return {
    after: token === null || token === '' ? '' : openToken(ctx, token, binding, member),
    next: (last) => ctx.sealer.seal(JSON.stringify({ binding, last })),
  };
}

/** The same for the same request, in whatever order its members come. */
function bindingOf(operation: string, filters: Input): string {
  const sorted = (_name: string, value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .filter(([, member]) => member !== null)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        );
  return sha256Hex(JSON.stringify([operation, filters], sorted));
}

function openToken(ctx: Pick<ApiContext, 'sealer'>, token: string, binding: string, member: string): string {
  try {
    const content = JSON.parse(ctx.sealer.open(token)) as { binding: string; last: string };
    // A decoder passes over letters that are none, so that one token would have many spellings.
    const isWhole = Buffer.from(token, 'base64url').toString('base64url') === token;
    if (isWhole && content.binding === binding) return content.last;
  } catch {
    // It is no token of ours, whatever it is.
  }
  throw new ApiError(
    'InvalidNextTokenException',
    `${member} does not belong to this request: repeat the request that it came from, or leave it out.`,
  );
}

/** Cuts off what was read to see whether there is more. @param rows up to one more than a page has */
export function toPage<Row>(
  rows: readonly Row[],
  token: PageToken,
  keyOf: (row: Row) => string,
  pageSize = PAGE_SIZE,
): { rows: Row[]; nextToken?: string } {
  const shown = rows.slice(0, pageSize);
  const last = shown.at(-1);
  return rows.length > pageSize && last !== undefined
    ? { rows: shown, nextToken: token.next(keyOf(last)) }
    : { rows: shown };
}

/** So many pages are looked through for one answer: a key that may see little of much gets short pages, and never waits for long. */
const LOOKED_THROUGH = 10;

/**
 * A page of what the caller may see. It may be short, and even empty, with more behind it.
 *
 * @param read up to PAGE_SIZE + 1 rows behind the one with a key; empty: from the beginning
 * @param mayBeSeen those of the rows that the caller may see
 */
export async function toVisiblePage<Row>(
  token: PageToken,
  keyOf: (row: Row) => string,
  read: (after: string) => Promise<readonly Row[]>,
  mayBeSeen: (rows: readonly Row[]) => Promise<readonly Row[]>,
): Promise<{ rows: Row[]; nextToken?: string }> {
  const shown: Row[] = [];
  let after = token.after;
  for (let pages = 0; pages < LOOKED_THROUGH; pages += 1) {
    const found = await read(after);
    const visible = new Set(await mayBeSeen(found));
    for (const row of found.slice(0, PAGE_SIZE)) {
      if (shown.length === PAGE_SIZE) return { rows: shown, nextToken: token.next(after) };
      after = keyOf(row);
      if (visible.has(row)) shown.push(row);
    }
    if (found.length <= PAGE_SIZE) return { rows: shown };
    if (shown.length === PAGE_SIZE) break;
  }
  return { rows: shown, nextToken: token.next(after) };
}
