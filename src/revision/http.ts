import { once } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import axios from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SlipwayError } from '../errors.ts';
import { type ProxyEnvironment, proxyFor } from '../protocol/proxy.ts';
import type { TrustFor } from '../system/trust.ts';
import { type AddressScope, maySendOn, type NetworkRules, systemNetwork } from './own-addresses.ts';

export interface HttpContext {
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  readonly trustFor: TrustFor;
  /** Rules for names and addresses; absent: those of the system. */
  readonly network?: NetworkRules;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
}

const MAX_REDIRECTS = 5;

/**
 * Requests an address. Every status but a redirect is an answer; the caller reads or destroys its body.
 *
 * This code follows redirects itself, because the authorization is for the first host only and must not reach the next.
 *
 * @throws SlipwayError CONFIG_UNREADABLE for authorities that cannot be read
 * @throws SlipwayError REVISION_REDIRECT_REFUSED for redirects that are too many, lead to this machine or its link, or give up encryption
 * @throws Error for faults of the network
 */
export async function getHttp(
  ctx: HttpContext,
  first: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  let url = new URL(first);
  let from: AddressScope | null = null;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const proxy = proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment);
    await ctx.trustFor(url, proxy);
    const guard = createGuard(ctx.network ?? systemNetwork, url, from);
    const agents =
      proxy === null
        ? { httpAgent: new HttpAgent(guard.connect), httpsAgent: new HttpsAgent(guard.connect) }
        : { httpAgent: new HttpsProxyAgent(proxy), httpsAgent: new HttpsProxyAgent(proxy) };
    const isFirstHost = url.origin === new URL(first).origin;
    const answer = await axios
      .get<Readable>(url.href, {
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
        ...agents,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        throw guard.refusal() ?? error;
      });
    const location = answer.headers['location'] as string | undefined;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) {
      return { status: answer.status, headers: answer.headers as HttpAnswer['headers'], body: answer.data };
    }
    await drain(answer.data);
    from = guard.scope();
    url = nextAddress(url, location);
  }
  throw refused(`${new URL(first).origin} redirects more than ${MAX_REDIRECTS} times`);
}

/** @throws SlipwayError REVISION_REDIRECT_REFUSED for what is no web address, or gives up encryption */
function nextAddress(url: URL, location: string): URL {
  const next = URL.parse(location, url.href);
  if (next === null || !/^https?:$/.test(next.protocol)) {
    throw refused(`${url.origin} redirects to what is no http:// or https:// address`);
  }
  if (url.protocol === 'https:' && next.protocol !== 'https:') {
    throw refused(`${url.origin} redirects to ${next.origin}, which is not encrypted`);
  }
  // Credentials in an address that somebody else wrote are none of this host's.
  next.username = '';
  next.password = '';
  return next;
}

/**
 * Looks at the addresses that are really connected to, so that a name that resolves differently the second time gains nothing.
 *
 * @param from of who sends here; null: nobody
 */
function createGuard(network: NetworkRules, url: URL, from: AddressScope | null) {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let scope: AddressScope = isIP(host) > 0 ? network.scopeOf(host) : 'anywhere';
  let refusal: SlipwayError | null = null;
  const refuse = () => {
    refusal = refused(`${url.origin} is an address of this machine or its link, and another host redirects to it`);
    return refusal;
  };
  if (!maySendOn(from, scope)) throw refuse();
  const lookup: LookupFunction = (hostname, options, done) => {
    network.lookup(hostname, options, (error, addresses) => {
      const [address] = addresses ?? [];
      if (error !== null || address === undefined) {
        done(error as NodeJS.ErrnoException, '');
        return;
      }
      const scopes = addresses.map((one) => network.scopeOf(one.address));
      // Whichever of them is connected to: what they have in common.
      scope = scopes.every((one) => one === scopes[0]) ? (scopes[0] ?? 'anywhere') : 'anywhere';
      if (!scopes.every((one) => maySendOn(from, one))) done(refuse(), '');
      else if (options.all === true) done(null, [...addresses]);
      else done(null, address.address, address.family);
    });
  };
  return { connect: { lookup }, scope: () => scope, refusal: () => refusal };
}

function refused(message: string): SlipwayError {
  return new SlipwayError('REVISION_REDIRECT_REFUSED', message);
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
