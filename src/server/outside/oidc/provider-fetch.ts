/** Requests to the provider: bounded in size, and with the authorities that the settings name for it alone. Follows no redirect. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { CustomFetch } from 'openid-client';
import { causeOf } from '../alarm.ts';
import { readUpTo } from '../read-answer.ts';

/** The provider did not answer, or its answer was cut off or far too long. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Metadata and keys of large providers take some 20 KB. */
const MAX_BYTES = 1024 * 1024;
/** Headers that say something about the answer of a provider. */
const KEPT_HEADERS = ['content-type', 'www-authenticate', 'retry-after'] as const;

/** @param authorities PEM */
export function providerFetch(authorities: readonly string[]): CustomFetch {
  return async (address, { method, headers, body, signal }) => {
    const url = new URL(address);
    try {
      const response = await send(
        url,
        {
          ...{ method, headers, agent: false as const },
          ...(signal === undefined ? {} : { signal }),
          ...(url.protocol === 'https:' && authorities.length > 0
            ? { ca: [...getCACertificates('default'), ...authorities] }
            : {}),
        },
        body === undefined || body === null ? '' : String(body),
      );
      const content = await readUpTo(response, MAX_BYTES);
      const kept = KEPT_HEADERS.flatMap((name): [string, string][] => {
        const value = response.headers[name];
        return value === undefined ? [] : [[name, value]];
      });
      return new Response(content.length === 0 ? null : new Uint8Array(content), {
        status: response.statusCode ?? 502,
        headers: kept,
      });
    } catch (cause) {
      throw new NoAnswer(`${url.origin}${url.pathname}: ${causeOf(cause)}`, { cause });
    }
  };
}

function send(url: URL, options: Parameters<typeof httpsRequest>[1], body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
    request.once('response', resolve).once('error', reject).end(body);
  });
}
