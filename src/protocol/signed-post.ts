import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { HttpsProxyAgent } from 'https-proxy-agent';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import type { CredentialProvider } from './sigv4/credentials.ts';
import { type SigningScope, signRequest } from './sigv4/sign.ts';
import { ProxyRefusal, remedyForNetwork } from './unreachable.ts';
import type { WireLog } from './wire-log.ts';

export interface SignedPostOptions {
  readonly url: URL;
  readonly scope: SigningScope;
  readonly credentials: CredentialProvider;
  /** A token that proves who asks, in place of a signature. */
  readonly bearer?: string;
  readonly clock: Clock;
  /** For the whole exchange, from connecting to the last byte: a server that trickles is as bad as one that is silent. */
  readonly timeoutMs: number;
  /** null: none, whatever the environment says. */
  readonly proxy: URL | null;
  readonly wireLog?: WireLog;
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

/**
 * On Node's own client, without axios: this is what an idle daemon sits in, and axios would add 10 MB to each.
 */
export async function createSignedPost(options: SignedPostOptions): Promise<SignedPost> {
  const { url, scope, credentials, bearer, clock, timeoutMs, proxy } = options;
  const { agent, isRefusal } = proxy === null ? await directConnections(url) : await tunnelsThrough(proxy);
  // TLS is loaded where it is spoken.
  const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;

  return async (body, headers, signal) => {
    signal?.throwIfAborted();
    const signed =
      bearer === undefined
        ? await signRequest({ method: 'POST', url, headers, body }, await credentials(), scope, clock.now())
        : { ...headers, authorization: `Bearer ${bearer}` };
    const timeout = AbortSignal.timeout(timeoutMs);
    const exchange: Exchange = {
      url,
      body,
      send,
      headers: { 'user-agent': 'slipway', ...signed, 'content-length': Buffer.byteLength(body) },
      agent,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      isRefusal,
    };
    const logged = options.wireLog === undefined ? post : loggedPost(options.wireLog, clock);
    try {
      return await logged(exchange).catch((error: unknown) =>
        error instanceof ClosedConnection ? logged(exchange) : Promise.reject(error),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw unreachable(url, proxy, `no answer within ${timeoutMs / 1000} seconds`);
      if (error instanceof ProxyRefusal) {
        throw unreachable(url, null, `the proxy ${proxy?.host} refuses to connect to it (HTTP ${error.status})`, error);
      }
      if (error instanceof SlipwayError) throw error;
      const cause = error instanceof ClosedConnection ? error.cause : error;
      throw unreachable(url, proxy, networkWords(cause), cause);
    }
  };
}

interface Exchange {
  readonly url: URL;
  readonly body: string;
  readonly send: typeof httpRequest;
  readonly headers: OutgoingHttpHeaders;
  readonly agent: HttpAgent | HttpsAgent | HttpsProxyAgent<string>;
  readonly signal: AbortSignal;
  readonly isRefusal: Connections['isRefusal'];
}

/** A kept connection that the server closed just as it was used again: the request never got there, and a new one will. */
class ClosedConnection extends Error {}

function post({ url, body, send, headers, agent, signal, isRefusal }: Exchange): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const call = send(url, { method: 'POST', headers, agent, signal }, (answer) => {
    const status = answer.statusCode ?? 0;
    if (isRefusal(call)) {
      answer.destroy();
      reject(new ProxyRefusal(status));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= MAX_ANSWER_BYTES) return;
      answer.destroy();
      reject(
        new SlipwayError(
          'SERVER_ANSWER_INVALID',
          `${url.origin} gave an answer of more than ${MAX_ANSWER_BYTES} bytes`,
        ),
      );
    });
    answer.on('end', () => {
      if (!answer.complete) return;
      resolve({ status, headers: plainHeaders(answer.headers), text: Buffer.concat(chunks).toString('utf8') });
    });
    answer.on('error', reject);
    answer.on('close', () => reject(new Error('the connection broke in the middle of the answer')));
  });
  call.on('error', (error) => {
    const wasClosed = call.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(systemErrorCode(error) ?? '');
    reject(wasClosed ? new ClosedConnection('', { cause: error }) : error);
  });
  call.end(body);
  return promise;
}

/** `post`, telling of each exchange how it ended. */
function loggedPost(wireLog: WireLog, clock: Clock): typeof post {
  return async (exchange) => {
    const { url, headers, body } = exchange;
    const startedMs = clock.now();
    const tell = (answer: Parameters<WireLog>[0]['answer']) =>
      wireLog({ method: 'POST', url: url.href, headers, body, answer, tookMs: clock.now() - startedMs });
    try {
      const answer = await post(exchange);
      tell({ status: answer.status, headers: answer.headers, body: answer.text });
      return answer;
    } catch (error) {
      tell({ error: networkWords(error instanceof ClosedConnection ? error.cause : error) });
      throw error;
    }
  };
}

/** Node leaves the message empty when every address of a host refused; the code then says it. */
function networkWords(error: unknown): string {
  return messageOf(error) || (systemErrorCode(error) ?? 'unknown network error');
}

/** The connections of one client: kept open between calls, so that polling does not shake hands each time. */
interface Connections {
  readonly agent: HttpAgent | HttpsAgent | HttpsProxyAgent<string>;
  /** Whether the answer to this request is a proxy's «no» to the tunnel, and not the server's. */
  isRefusal(request: object): boolean;
}

async function directConnections(url: URL): Promise<Connections> {
  const Agent = url.protocol === 'https:' ? (await import('node:https')).Agent : HttpAgent;
  const agent = new Agent({ keepAlive: true });
  return { agent, isRefusal: () => false };
}

async function tunnelsThrough(proxy: URL): Promise<Connections> {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const refused = new WeakSet<object>();
  const agent = new HttpsProxyAgent(proxy, { keepAlive: true });
  agent.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }, request: ClientRequest) => {
    if (statusCode !== 200) refused.add(request);
  });
  return { agent, isRefusal: (request) => refused.has(request) };
}

/** Name of the setting to check, for remedies. The agent and programs that people start share this code, so it names no key. */
const WHERE_ADDRESSES_ARE = 'the address';

function unreachable(url: URL, proxy: URL | null, why: string, cause?: unknown): SlipwayError {
  const way = proxy === null ? '' : ` through the proxy ${proxy.host}`;
  return new SlipwayError('SERVER_UNREACHABLE', `${url.origin} cannot be reached${way}: ${why}`, {
    cause,
    remedy: remedyForNetwork(cause, why, { url, proxy, where: WHERE_ADDRESSES_ARE }),
  });
}

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
