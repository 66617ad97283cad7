import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance, isAxiosError, isCancel } from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { messageOf, SlipwayError } from '../errors.ts';
import type { Clock } from '../system/clock.ts';
import { decodeApiError } from './errors.ts';
import type { CredentialProvider } from './sigv4/credentials.ts';
import { signRequest } from './sigv4/sign.ts';

export interface AwsJsonClientOptions {
  /** `https://host[:port]`, or `http://` where the caller has decided that this is fine. */
  readonly endpoint: string;
  readonly region: string;
  readonly signingName: string;
  readonly credentials: CredentialProvider;
  readonly clock: Clock;
  /** How long to wait for an answer; long polls need more than the server holds them. */
  readonly readTimeoutMs: number;
  /** null: no proxy, unless the usual variables of the environment name one. */
  readonly proxyUri?: string | null;
  /** Sent and signed with each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AwsJsonClient {
  /**
   * One call: `POST /` with `X-Amz-Target: <target>`, signed, answered with a JSON object (an empty answer is an empty object).
   *
   * @throws RemoteApiError for an error answer; SlipwayError SERVER_UNREACHABLE when there was none
   */
  call(target: string, input: object, signal?: AbortSignal): Promise<unknown>;
}

/** More than any answer of these APIs; a server that sends more is not one. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A client of an AWS JSON 1.1 API. It does not retry and does not follow redirects: a signature fits one address. */
export function createAwsJsonClient(options: AwsJsonClientOptions): AwsJsonClient {
  const url = new URL(options.endpoint);
  if (url.pathname === '') url.pathname = '/';
  const http = createHttp(options);
  return {
    async call(target, input, signal) {
      const body = JSON.stringify(input);
      const headers = await signRequest(
        {
          method: 'POST',
          url,
          headers: { ...options.headers, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
          body,
        },
        await options.credentials(),
        { service: options.signingName, region: options.region },
        options.clock.now(),
      );
      const answer = await http
        .post<string>(url.href, body, { headers, ...(signal === undefined ? {} : { signal }) })
        .catch((error: unknown) => {
          throw unreachable(url, error);
        });
      const text = answer.data ?? '';
      if (answer.status !== 200) throw decodeApiError(answer.status, textHeaders(answer.headers), text);
      return parseAnswer(url, text);
    },
  };
}

function createHttp(options: AwsJsonClientOptions): AxiosInstance {
  const proxy = options.proxyUri ? new HttpsProxyAgent(options.proxyUri) : null;
  return axios.create({
    httpAgent: proxy ?? new HttpAgent({ keepAlive: true }),
    httpsAgent: proxy ?? new HttpsAgent({ keepAlive: true }),
    // With an agent for the proxy axios must not look for one itself; without, it honours the usual variables.
    ...(proxy === null ? {} : { proxy: false as const }),
    timeout: options.readTimeoutMs,
    maxRedirects: 0,
    maxContentLength: MAX_ANSWER_BYTES,
    responseType: 'text',
    // Signed is what is sent: axios must not serialise, parse or judge anything itself.
    transformRequest: [(data: unknown) => data],
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
  });
}

function unreachable(url: URL, error: unknown): unknown {
  if (isCancel(error)) return error;
  if (!isAxiosError(error)) return error;
  const reason = error.code === 'ECONNABORTED' || error.code === 'ETIMEDOUT' ? 'no answer in time' : causeOf(error);
  return new SlipwayError('SERVER_UNREACHABLE', `${url.origin} cannot be reached: ${reason}`, { cause: error });
}

/** axios leaves its message empty when every address of a host refused; the code then says it. */
function causeOf(error: { readonly message: string; readonly code?: string | undefined }): string {
  return error.message === '' ? (error.code ?? 'unknown network error') : error.message;
}

function parseAnswer(url: URL, text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SlipwayError(
      'SERVER_UNREACHABLE',
      `${url.origin} answered something that is not JSON: ${messageOf(cause)}`,
      {
        remedy: 'Check that the address is a control server’s, and not a proxy’s or a web site’s.',
        cause,
      },
    );
  }
}

function textHeaders(headers: object): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      value === undefined ? undefined : String(value),
    ]),
  );
}
