/** The console's page as the server sees it: its headers, its cookie, its calls. */
import { type SignInHeaders, signSignIn } from '../../src/console/sign-in/sign.ts';
import { systemRandom } from '../../src/system/random.ts';
import type { KeyPair } from './hand-driven-host.ts';

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ConsoleRequest {
  readonly method?: string;
  /** null: none is sent. */
  readonly cookie?: string | null;
  /** Beside those of the page; undefined leaves one of the page's out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/** One request as the page sends it, unless told otherwise. */
export async function askConsole(url: string, path: string, request: ConsoleRequest = {}): Promise<ConsoleAnswer> {
  const response = await sendToConsole(url, path, request);
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : { text } };
}

export function sendToConsole(url: string, path: string, request: ConsoleRequest, signal?: AbortSignal) {
  const { method = 'POST', cookie = null, body } = request;
  const own = { 'x-slipway-console': '1', origin: url, 'sec-fetch-site': 'same-origin' };
  const given = { ...own, ...(cookie === null ? {} : { cookie }), ...request.headers };
  const headers = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return fetch(new URL(path, url), {
    ...{ method, headers, redirect: 'manual' as const },
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export function signInHeaders(url: string, key: KeyPair, atMs = Date.now()): SignInHeaders {
  return signSignIn(key, { host: new URL(url).host, nonce: systemRandom.uuid(), nowMs: atMs });
}

/** Signs in. @returns the cookie, as a browser sends it back */
export async function signInToConsole(url: string, key: KeyPair): Promise<string> {
  const answer = await askConsole(url, '/console/session', { headers: { ...signInHeaders(url, key) } });
  const cookie = cookieOf(answer);
  if (cookie === null) throw new Error(`the sign-in was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
  return cookie;
}

/** The cookie that an answer sets; null: it sets none, or takes it away. */
export function cookieOf({ headers }: Pick<ConsoleAnswer, 'headers'>): string | null {
  const [pair = ''] = headers.getSetCookie()[0]?.split(';', 1) ?? [];
  return pair === '' || pair.endsWith('=') ? null : pair;
}

export function callConsole(
  url: string,
  cookie: string,
  operation: string,
  input: object,
  headers: ConsoleRequest['headers'] = {},
): Promise<ConsoleAnswer> {
  const type = { 'content-type': 'application/json' };
  return askConsole(url, `/console/api/${operation}`, {
    cookie,
    body: JSON.stringify(input),
    headers: { ...type, ...headers },
  });
}
