import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosError, isAxiosError } from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SlipwayError } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import type { CredentialProvider } from './sigv4/credentials.ts';
import { type SigningScope, signRequest } from './sigv4/sign.ts';

export interface SignedPostOptions {
  readonly url: URL;
  readonly scope: SigningScope;
  readonly credentials: CredentialProvider;
  readonly clock: Clock;
  /** For the whole exchange, from connecting to the last byte: a server that trickles is as bad as one that is silent. */
  readonly timeoutMs: number;
  /** null: none, whatever the environment says. */
  readonly proxy: URL | null;
}

interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Posts a text to the one address that it was made for, signed. Any status is an answer; redirects are not followed, since a
 * signature fits one address.
 *
 * @throws SlipwayError SERVER_UNREACHABLE when there was no answer, SERVER_ANSWER_INVALID when it is too large;
 * the reason of `signal` when that aborts
 */
export type SignedPost = (
  body: string,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
) => Promise<HttpAnswer>;

/** More than any answer of these APIs; a server that sends more is not one. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export function createSignedPost(options: SignedPostOptions): SignedPost {
  const { url, scope, credentials, clock, timeoutMs, proxy } = options;
  const { agent, isRefusal } = proxy === null ? directConnections(url) : tunnelsThrough(proxy);
  const http = axios.create({
    httpAgent: agent,
    httpsAgent: agent,
    proxy: false,
    maxRedirects: 0,
    maxContentLength: MAX_ANSWER_BYTES,
    responseType: 'text',
    // Signed is what is sent: axios must not serialise, parse or judge anything itself.
    transformRequest: [(data: unknown) => data],
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
  });

  return async (body, headers, signal) => {
    signal?.throwIfAborted();
    const signed = await signRequest({ method: 'POST', url, headers, body }, await credentials(), scope, clock.now());
    const timeout = AbortSignal.timeout(timeoutMs);
    const send = () =>
      http.post<string>(url.href, body, {
        headers: { 'user-agent': 'slipway', ...signed },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    try {
      const answer = await send().catch((error: unknown) =>
        metClosedConnection(error) ? send() : Promise.reject(error),
      );
      if (isRefusal(answer.request)) {
        throw unreachable(url, `the proxy ${proxy?.host} refuses to connect to it (HTTP ${answer.status})`);
      }
      return { status: answer.status, headers: plainHeaders(answer.headers), text: answer.data };
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw unreachable(url, `no answer within ${timeoutMs / 1000} seconds`);
      throw isAxiosError(error) ? faultOf(url, error) : error;
    }
  };
}

/** The connections of one client: kept open between calls, so that polling does not shake hands each time. */
interface Connections {
  readonly agent: HttpAgent | HttpsAgent;
  /** Whether the answer to this request is a proxy's «no» to the tunnel, and not the server's. */
  isRefusal(request: object): boolean;
}

function directConnections(url: URL): Connections {
  const agent = url.protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  return { agent, isRefusal: () => false };
}

function tunnelsThrough(proxy: URL): Connections {
  const refused = new WeakSet<object>();
  const agent = new HttpsProxyAgent(proxy, { keepAlive: true });
  agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }, request: ClientRequest) => {
    if (statusCode !== 200) refused.add(request);
  });
  return { agent, isRefusal: (request) => refused.has(request) };
}

/** A kept connection that the server closed just as it was used again: the request never got there, and a new one will. */
function metClosedConnection(error: unknown): boolean {
  if (!isAxiosError(error) || error.response !== undefined) return false;
  const request = error.request as ClientRequest | undefined;
  return request?.reusedSocket === true && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** The cause is the network's own error: axios' holds the whole request, its credentials included, and causes are logged. */
function faultOf(url: URL, error: AxiosError): SlipwayError {
  if (error.code === 'ERR_BAD_RESPONSE') {
    return new SlipwayError(
      'SERVER_ANSWER_INVALID',
      `${url.origin} gave an answer that cannot be read: ${error.message}`,
    );
  }
  // axios leaves its message empty when every address of a host refused; the code then says it.
  return unreachable(url, error.message || (error.code ?? 'unknown network error'), error.cause);
}

function unreachable(url: URL, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError('SERVER_UNREACHABLE', `${url.origin} cannot be reached: ${why}`, { cause });
}

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
