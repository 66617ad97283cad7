/**
 * Holds a request against where it comes from: only the console's own page may use the session of the browser that shows it. Pure.
 *
 * The cookie alone would stop other sites, too. Each of these marks stops them without it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../../protocol/errors.ts';

/** A page of another site cannot send it without asking first, and nobody answers that question. */
export const PAGE_HEADER = 'x-slipway-console';

/**
 * @param changes whether the request could change something: a browser then says where it comes from
 * @throws ApiError AccessDeniedException
 */
export function requireOwnPage(headers: IncomingHttpHeaders, changes: boolean): void {
  const denied = (why: string) => {
    const message = `The console answers its own page only: ${why}. Clients of the API sign their requests to / instead.`;
    return new ApiError('AccessDeniedException', message, { status: 403 });
  };
  if (headers[PAGE_HEADER] !== '1') throw denied(`the header ${PAGE_HEADER} is missing`);
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') throw denied('the request comes from another site');
  if (!changes && headers.origin === undefined) return;
  if (originHostOf(headers) === null) {
    throw denied('the Origin header is not this address; a proxy in front must pass the Host header on as it is');
  }
}

/** Whether the browser has the page by HTTPS, which a proxy may speak in front of the server. */
export function isSecurePage(headers: IncomingHttpHeaders): boolean {
  return headers.origin?.startsWith('https://') === true;
}

/** Whether the page comes from this very address, and not from another one of the same server. */
export function isPageOf(headers: IncomingHttpHeaders, origin: string): boolean {
  return URL.parse(headers.origin ?? '')?.origin === origin;
}

/** @returns the host of the origin, where it is the one that was asked; else null */
function originHostOf({ origin, host }: IncomingHttpHeaders): string | null {
  const from = URL.parse(origin ?? '');
  if (from === null || host === undefined || !/^https?:$/.test(from.protocol)) return null;
  // Both as a URL has them: without the usual port, and in lower case.
  const asked = URL.parse(`${from.protocol}//${host}`);
  return asked !== null && asked.host === from.host ? from.host : null;
}
