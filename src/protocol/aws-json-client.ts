import { messageOf, SlipwayError } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { decodeApiError } from './errors.ts';
import { type ProxyEnvironment, proxyFor } from './proxy.ts';
import type { SignedPost } from './signed-post.ts';
import type { CredentialProvider } from './sigv4/credentials.ts';
import type { WireLog } from './wire-log.ts';

export interface AwsJsonClientOptions {
  /** `https://host[:port]`, or `http://` where the caller has decided that this is fine. */
  readonly endpoint: string;
  readonly region: string;
  readonly signingName: string;
  readonly credentials: CredentialProvider;
  /** In place of signatures. */
  readonly bearer?: string;
  readonly clock: Clock;
  /** How long a call may take; long polls need more than the server holds them. */
  readonly readTimeoutMs: number;
  /** null: none, unless `proxyEnvironment` names one. */
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  /** Sent and signed with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly wireLog?: WireLog;
}

export interface AwsJsonClient {
  /**
   * One call: `POST /` with `X-Amz-Target: <target>`, signed, answered with a JSON object (an empty answer is an empty object).
   *
   * @throws RemoteApiError for an error answer; SlipwayError SERVER_UNREACHABLE when there was none, SERVER_ANSWER_INVALID when it
   * was no JSON object; the reason of `signal` when that aborts
   */
  call(
    target: string,
    input: object,
    signal?: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<object>;
}

/**
 * A client of an AWS JSON 1.1 API. It does not retry and does not follow redirects.
 *
 * @throws SlipwayError SERVER_ADDRESS_INVALID when the endpoint or the proxy is no address to talk to
 */
export function createAwsJsonClient(options: AwsJsonClientOptions): AwsJsonClient {
  const url = parseEndpoint(options.endpoint);
  const proxy = proxyFor(url, options.proxyUri, options.proxyEnvironment);
  const scope = { service: options.signingName, region: options.region };
  let post: Promise<SignedPost> | undefined;

  /** HTTP and signing are loaded for the first call: a command that makes none does not wait 80 ms for them. */
  async function createPost(): Promise<SignedPost> {
    const { createSignedPost } = await import('./signed-post.ts');
    const { credentials, bearer, clock, readTimeoutMs: timeoutMs, wireLog } = options;
    const observed = { ...(wireLog === undefined ? {} : { wireLog }), ...(bearer === undefined ? {} : { bearer }) };
    return await createSignedPost({ url, scope, credentials, clock, timeoutMs, proxy, ...observed });
  }

  return {
    async call(target, input, signal, headersOfCall = {}) {
      post ??= createPost();
      const send = await post;
      const headers = {
        ...options.headers,
        ...headersOfCall,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
      };
      const answer = await send(JSON.stringify(input), headers, signal);
      if (answer.status !== 200) throw decodeApiError(answer.status, answer.headers, answer.text);
      return parseAnswer(url, answer.text);
    },
  };
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.parse(endpoint);
  const isAddress = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  // A user name in the address would take the place of the signature in the Authorization header.
  if (!isAddress || url.username !== '' || url.password !== '') {
    const shown = endpoint.replace(/\/\/[^/]*@/, '//***@');
    throw new SlipwayError('SERVER_ADDRESS_INVALID', `'${shown}' is no address of a control server`);
  }
  return url;
}

function parseAnswer(url: URL, text: string): object {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const what = /^\s*</.test(text) ? 'it is not JSON, but a web page or XML' : `it is not JSON (${messageOf(cause)})`;
    throw notUsable(url, what, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notUsable(url, 'it is no JSON object');
  return value;
}

function notUsable(url: URL, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError('SERVER_ANSWER_INVALID', `${url.origin} gave an answer that cannot be used: ${why}`, {
    cause,
  });
}
