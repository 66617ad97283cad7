/** Requests that name their bucket in the host's name (`BUCKET.domain`). Pure. */
import { S3Error } from './s3-error.ts';

/** Longer is no name of a bucket; characters. */
const MAX_BUCKET = 63;

export interface ServerNames {
  /** Host names, without port and in lower case, by which the store is known to be reached. */
  readonly known: ReadonlySet<string>;
  hasBucket(name: string): boolean;
}

/**
 * @param known names of the server's own: one that is below the domain, too, names no bucket
 * @returns the bucket in front of the domain; null: none is named there
 */
export function bucketOfHost(
  hostHeader: string,
  domain: string | null,
  known: ServerNames['known'] = new Set(),
): string | null {
  const host = nameOf(hostHeader);
  if (domain === null || known.has(host) || !host.endsWith(`.${domain}`)) return null;
  return host.slice(0, -domain.length - 1);
}

function nameOf(hostHeader: string): string {
  return hostHeader
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/**
 * Refuses a request in host style (`BUCKET.server`): read as one in path style, it would be about another bucket.
 *
 * @param createsBucket such a request makes something of any name, so it must come to a name that is known
 * @throws S3Error NotImplemented
 */
export function refuseHostStyle(hostHeader: string, { known, hasBucket }: ServerNames, createsBucket: boolean): void {
  const host = nameOf(hostHeader);
  if (known.has(host) || isAddress(host) || host === 'localhost') return;
  // A bucket's name may have dots of its own, and so may the server's.
  const isBelowOwn =
    [...known, 'localhost'].some((name) => host.endsWith(`.${name}`)) ||
    /\.\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
  if (isBelowOwn || beginnings(host).some(hasBucket))
    throw refused(`'${host}' names a bucket in front of the server's name`);
  if (createsBucket)
    throw refused(
      `'${host}' is not known as this server's name, so it may name a bucket; start the server with it in --s3-domain or --public-s3-endpoint`,
    );
}

/** Lists the possible names of a bucket in front of a host name: the whole text, and each part before a dot. */
function beginnings(host: string): string[] {
  const start = host.slice(0, MAX_BUCKET + 1);
  const dots = [...start].flatMap((letter, at) => (letter === '.' ? [at] : []));
  return [...dots, host.length].map((end) => host.slice(0, end)).filter((name) => name.length <= MAX_BUCKET);
}

function isAddress(host: string): boolean {
  return /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || /^\[[0-9a-f:.%]{2,60}\]$/.test(host);
}

function refused(why: string): S3Error {
  return new S3Error(
    'NotImplemented',
    501,
    `Requests in host style are not known here: ${why}. Use path style (force_path_style, addressing_style path), or start the server with --s3-domain. Nothing was changed.`,
  );
}
