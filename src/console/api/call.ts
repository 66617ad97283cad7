/** Calls of the management API from the page, with the browser's session in place of a signature. */
import type { ManagementOperation, ManagementOperations } from '../../protocol/management/shapes.ts';

export type Input<Op extends ManagementOperation> = ManagementOperations[Op]['input'];
export type Output<Op extends ManagementOperation> = ManagementOperations[Op]['output'];

/** Marks requests as the console's own; a page of another site cannot send it. */
const OWN = { 'x-slipway-console': '1' };

/** An answer that is no success: the server's own words, or that there was none. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** As the API names it; `Unreachable` where nothing was answered. */
  readonly type: string;
  /** HTTP's; 0 where nothing was answered. */
  readonly status: number;

  constructor(type: string, message: string, status: number) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** @throws Refusal; the reason of the signal when that aborts */
export async function call<Op extends ManagementOperation>(
  operation: Op,
  input: Input<Op>,
  signal?: AbortSignal,
): Promise<Output<Op>> {
  const body = JSON.stringify(input);
  const headers = { 'content-type': 'application/json' };
  return (await ask('POST', `/console/api/${operation}`, { body, headers, ...(signal && { signal }) })) as Output<Op>;
}

/** One request to the server that has served the page. @throws Refusal */
export async function ask(method: string, path: string, options: RequestInit = {}): Promise<unknown> {
  const response = await askRaw(method, path, options);
  return response.json();
}

/** The same for an answer that is read by the caller. @throws Refusal */
export async function askRaw(method: string, path: string, options: RequestInit = {}): Promise<Response> {
  const headers = { ...OWN, ...options.headers };
  let response: Response;
  try {
    response = await fetch(path, { ...options, method, headers, credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    options.signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal('Unreachable', `The server does not answer (${why}).`, 0);
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => ({}))) as { readonly __type?: string; readonly message?: string };
  const message = answer.message ?? `The server answered with HTTP ${response.status}.`;
  throw new Refusal(answer.__type ?? `HTTP ${response.status}`, message, response.status);
}

/** All pages of a list, up to `most` entries. */
export async function allPages<Page extends { readonly nextToken?: string | undefined }, Entry>(
  load: (nextToken: { readonly nextToken?: string }) => Promise<Page>,
  entriesOf: (page: Page) => readonly Entry[],
  most = 20_000,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let nextToken: string | undefined; ; ) {
    const page = await load(nextToken === undefined ? {} : { nextToken });
    found.push(...entriesOf(page));
    nextToken = page.nextToken;
    if (nextToken === undefined || found.length >= most) return found;
  }
}

/** Lists of at most `size` entries, for operations that take only so many names. */
export function chunks<Entry>(entries: readonly Entry[], size: number): Entry[][] {
  return Array.from({ length: Math.ceil(entries.length / size) }, (_, at) => entries.slice(at * size, (at + 1) * size));
}
