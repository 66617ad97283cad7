/** Which requests name their bucket in the host's name, which this store does not have. Pure. */
import { S3Error } from './s3-error.ts';

export interface ServerNames {
  /** Host names, without port and in lower case, by which the store is known to be reached. */
  readonly known: ReadonlySet<string>;
  hasBucket(name: string): boolean;
}

/**
 * Refuses a request in host style (`BUCKET.server`): read as one in path style, it would be about another bucket.
 *
 * @param createsBucket such a request makes something of any name, so it must come to a name that is known
 * @throws S3Error NotImplemented
 */
export function refuseHostStyle(hostHeader: string, { known, hasBucket }: ServerNames, createsBucket: boolean): void {
  const host = hostHeader.replace(/:\d{1,5}$/, '').toLowerCase();
  if (known.has(host) || isAddress(host) || host === 'localhost') return;
  const dot = host.indexOf('.');
  const [first, rest] = dot < 0 ? [host, ''] : [host.slice(0, dot), host.slice(dot + 1)];
  const isBucketOfServer = known.has(rest) || isAddress(rest) || rest === 'localhost';
  if (isBucketOfServer || hasBucket(first)) throw refused(`'${host}' names a bucket in front of the server's name`);
  if (createsBucket)
    throw refused(
      `'${host}' is not known as this server's name, so it may name a bucket; start the server with it in --public-s3-endpoint`,
    );
}

function isAddress(host: string): boolean {
  return /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || /^\[[0-9a-f:.%]{2,60}\]$/.test(host);
}

function refused(why: string): S3Error {
  return new S3Error(
    'NotImplemented',
    501,
    `Requests in host style are not known here: ${why}. Use path style (force_path_style, addressing_style path). Nothing was changed.`,
  );
}
