import { HttpRequest } from '@smithy/protocol-http';
import { decodedQuery } from './query.ts';

/** The signer's request for a request target (path and query as they are on the wire). */
export function requestFor(request: {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}): HttpRequest {
  const [path = '/', queryText = ''] = splitOnce(request.target, '?');
  return new HttpRequest({
    method: request.method,
    path,
    query: Object.fromEntries([...decodedQuery(queryText)].map(([name, values]) => [name, [...values]])),
    headers: request.headers,
    ...(request.body === undefined ? {} : { body: request.body }),
  });
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
