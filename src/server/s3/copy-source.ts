/** Source of a copy: the header `x-amz-copy-source` and its conditions. Pure. */
import { isNotModified, type Known } from './conditions.ts';
import type { ByteRange } from './pieces.ts';
import { S3Error } from './s3-error.ts';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** null: the latest. */
  readonly version: string | null;
}

type Headers = Readonly<Record<string, string | undefined>>;

/**
 * Reads `[/]BUCKET/KEY[?versionId=ID]`, encoded as an address.
 *
 * @throws S3Error InvalidArgument; NotImplemented for access points
 */
export function readCopySource(header: string): CopySource {
  if (header.startsWith('arn:'))
    throw new S3Error('NotImplemented', 501, 'A source must be named as BUCKET/KEY here. Nothing was changed.');
  const mark = header.indexOf('?');
  const path = mark < 0 ? header : header.slice(0, mark);
  const query = mark < 0 ? null : /^versionId=([^&]{1,200})$/.exec(header.slice(mark + 1));
  if (mark >= 0 && query === null) throw invalid('of its query only versionId is known');
  const text = decode(path.startsWith('/') ? path.slice(1) : path);
  const slash = text.indexOf('/');
  if (slash < 1 || slash === text.length - 1) throw invalid('it must be BUCKET/KEY');
  const version = query === null ? null : decode(query[1] ?? '');
  return { bucket: text.slice(0, slash), key: text.slice(slash + 1), version };
}

/** @throws S3Error PreconditionFailed when the source is not what `x-amz-copy-source-if-…` ask for */
export function requireSource(headers: Headers, source: Known): void {
  const conditions = Object.fromEntries(
    ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'].map((name) => [
      name,
      headers[`x-amz-copy-source-${name}`],
    ]),
  );
  if (isNotModified(conditions, source))
    throw new S3Error(
      'PreconditionFailed',
      412,
      'The source of the copy does not meet the x-amz-copy-source-if-… conditions of the request. Nothing was changed.',
    );
}

/** Bytes of the source that become a part; null: all. @throws S3Error InvalidArgument, InvalidRange */
export function readSourceRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  if (header === undefined) return null;
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header);
  if (match === null)
    throw new S3Error('InvalidArgument', 400, 'x-amz-copy-source-range must be bytes=FIRST-LAST. Nothing was changed.');
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start > end || end >= sizeBytes)
    throw new S3Error('InvalidRange', 416, `The source has ${sizeBytes} bytes, and no ${header.slice(0, 60)}.`);
  return { start, end };
}

/** COPY or REPLACE; COPY where nothing is said. @throws S3Error InvalidArgument */
export function readDirective(name: string, headers: Headers): 'COPY' | 'REPLACE' {
  const value = headers[name] ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw new S3Error('InvalidArgument', 400, `${name} must be COPY or REPLACE, but is '${value.slice(0, 40)}'.`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('it is not percent-encoded as it should be');
  }
}

function invalid(why: string): S3Error {
  return new S3Error('InvalidArgument', 400, `x-amz-copy-source is refused: ${why}. Nothing was changed.`);
}
