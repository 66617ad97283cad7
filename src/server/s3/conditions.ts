/** Conditional requests, as RFC 9110 has them and S3 uses them. Pure. */
import { S3Error } from './s3-error.ts';

export interface Known {
  /** Without quotes. */
  readonly eTag: string;
  readonly modifiedAtMs: number;
}

type Headers = Readonly<Record<string, string | undefined>>;

/**
 * Judges the conditions of a GET or HEAD.
 *
 * @returns whether the client has this very object already: 304
 * @throws S3Error PreconditionFailed
 * @see RFC 9110, section 13.2.2: the order of these
 */
export function isNotModified(headers: Headers, object: Known): boolean {
  const ifMatch = headers['if-match'];
  const unmodifiedSince = secondsOf(headers['if-unmodified-since']);
  if (ifMatch !== undefined) requireMatch(ifMatch, object);
  else if (unmodifiedSince !== null && modifiedSeconds(object) > unmodifiedSince)
    throw failed('The object was modified after If-Unmodified-Since.');
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.eTag);
  const modifiedSince = secondsOf(headers['if-modified-since']);
  return modifiedSince !== null && modifiedSeconds(object) <= modifiedSince;
}

/**
 * Demands that a write may take place.
 *
 * @param current what the key holds now; null: nothing
 * @throws S3Error PreconditionFailed, NoSuchKey; NotImplemented for conditions on writes that S3 does not have either
 */
export function requireWritable(headers: Headers, current: Known | null): void {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*')
      throw new S3Error('NotImplemented', 501, "Of If-None-Match a write can have '*' alone. Nothing was changed.");
    if (current !== null) throw failed('The object exists already, and If-None-Match is *.');
  }
  const ifMatch = headers['if-match'];
  if (ifMatch === undefined) return;
  if (current === null) throw new S3Error('NoSuchKey', 404, 'If-Match is given, and the object does not exist.');
  requireMatch(ifMatch, current);
}

function requireMatch(header: string, { eTag }: Known): void {
  if (!matches(header, eTag)) throw failed('The object has another ETag than If-Match asks for.');
}

/** A list of ETags, or `*`. */
function matches(header: string, eTag: string): boolean {
  return header.split(',').some((one) => {
    const text = one.trim();
    return text === '*' || text.replace(/^W\//, '').replaceAll('"', '') === eTag;
  });
}

/** A date that cannot be read counts as none, as RFC 9110 says. */
function secondsOf(date: string | undefined): number | null {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** As precise as HTTP's dates are. */
function modifiedSeconds({ modifiedAtMs }: Known): number {
  return Math.floor(modifiedAtMs / 1000);
}

function failed(why: string): S3Error {
  return new S3Error('PreconditionFailed', 412, why);
}
