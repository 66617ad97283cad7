import { once } from 'node:events';
import type { Readable } from 'node:stream';
import axios from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { type ProxyEnvironment, proxyFor } from '../protocol/proxy.ts';
import type { TrustFor } from '../system/trust.ts';

export interface HttpContext {
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  readonly trustFor: TrustFor;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
}

const MAX_REDIRECTS = 5;

/**
 * Asks for what is at an address; any status that is no redirect is an answer, whose body is the caller's to read or to destroy.
 *
 * Redirects are followed by hand, because what authorises is for the first host only and must not go to the one that it sends on to.
 *
 * @throws SlipwayError CONFIG_UNREADABLE for authorities that cannot be read
 * @throws Error for faults of the network, and for redirects that are too many or give up encryption
 */
export async function getHttp(
  ctx: HttpContext,
  first: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  let url = new URL(first);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const proxy = proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment);
    await ctx.trustFor(url, proxy);
    const agent = proxy === null ? null : new HttpsProxyAgent(proxy);
    const isFirstHost = url.origin === new URL(first).origin;
    const answer = await axios.get<Readable>(url.href, {
      responseType: 'stream',
      maxRedirects: 0,
      decompress: false,
      proxy: false,
      validateStatus: () => true,
      headers: {
        'user-agent': 'slipway',
        'accept-encoding': 'identity',
        ...(isFirstHost ? headers : withoutAuthorization(headers)),
      },
      ...(agent === null ? {} : { httpAgent: agent, httpsAgent: agent }),
      ...(signal === undefined ? {} : { signal }),
    });
    const location = answer.headers['location'] as string | undefined;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) {
      return { status: answer.status, headers: answer.headers as HttpAnswer['headers'], body: answer.data };
    }
    await drain(answer.data);
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new Error(`${url.origin} redirects to ${next.origin}, which is not encrypted`);
    }
    url = next;
  }
  throw new Error(`${first} redirects more than ${MAX_REDIRECTS} times`);
}

/** Ends a body that nobody wants. */
export async function drain(body: Readable): Promise<void> {
  if (body.destroyed) return;
  const closed = once(body, 'close');
  body.on('error', () => undefined).destroy();
  await closed;
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}
