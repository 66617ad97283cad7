import { HttpRequest } from '@smithy/protocol-http';

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
    query: parseQuery(queryText),
    headers: request.headers,
    ...(request.body === undefined ? {} : { body: request.body }),
  });
}

function parseQuery(text: string): Record<string, string[]> {
  const query = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [name = '', value = ''] = splitOnce(pair, '=');
    const values = query.get(decode(name));
    if (values === undefined) query.set(decode(name), [decode(value)]);
    else values.push(decode(value));
  }
  return Object.fromEntries(query);
}

/** Query text decoded as the canonical form wants it: `+` is a plus sign, not a blank. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
