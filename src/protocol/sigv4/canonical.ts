/** The canonical form of a request, which its signature is made of. Pure. */
import { decodedQuery } from './query.ts';

export interface RequestToCanonize {
  readonly method: string;
  /** Path and query exactly as they are on the wire. */
  readonly target: string;
  /** The values of the signed headers by name, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Hash of the body in hex, or a word in its place. */
  readonly bodySha256: string;
  /** false for S3, which signs the path as it is. */
  readonly uriEscapePath: boolean;
}

/** @see "Create a canonical request" of the IAM user guide, "Signing AWS API requests" */
export function canonicalRequest({ method, target, headers, bodySha256, uriEscapePath }: RequestToCanonize): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : canonicalQuery(target.slice(mark + 1));
  const names = [...headers.keys()].sort();
  const lines = names.map((name) => `${name}:${canonicalValue(headers.get(name) ?? '')}\n`).join('');
  const canonicalPath = uriEscapePath ? escapedPath(path) : path;
  return `${method}\n${canonicalPath}\n${query}\n${lines}\n${names.join(';')}\n${bodySha256}`;
}

/** A path without empty segments, `.` and `..`, escaped once more than it came. */
function escapedPath(path: string): string {
  if (path === '/') return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const begin = path.startsWith('/') ? '/' : '';
  const end = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return begin + segments.map(escapedText).join('/') + end;
}

function canonicalQuery(text: string): string {
  const pairs: string[] = [];
  for (const [name, values] of [...decodedQuery(text)]
    .map(([key, list]) => [escapedText(key), list] as const)
    .sort(byName)) {
    // A signature stands in the query of presigned requests, and is no part of what it signs.
    if (name.toLowerCase() === 'x-amz-signature') continue;
    pairs.push(...values.map((value) => `${name}=${escapedText(value)}`).sort());
  }
  return pairs.join('&');
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function canonicalValue(value: string): string {
  return value
    .replace(/[\r\n]/g, ' ')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
}

/** Everything but letters, digits and `-._~` as `%` and two digits. */
function escapedText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
