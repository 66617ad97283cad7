/**
 * Presigned addresses: the signature stands in the query, so that the holder of the address may send this one request until it expires.
 *
 * @see "Authenticating requests: using query parameters" of the S3 API reference
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { signingKeyOf } from '../../protocol/sigv4/signing-key.ts';
import type { AccessKey } from '../store/access-keys.ts';
import { S3Error } from './s3-error.ts';

export interface PresignedRequest {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  /** Decoded; each name once. */
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Presigned {
  readonly key: AccessKey;
  /** Promise of the signature about the body: `UNSIGNED-PAYLOAD`, or a hash in hex. */
  readonly contentSha256: string;
  /** Headers that came, and those that were signed as parts of the query. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without what belongs to the signature. */
  readonly query: ReadonlyMap<string, string>;
}

const SIGNATURE = 'X-Amz-Signature';
const OF_SIGNATURE = new Set([
  ...[SIGNATURE, 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires', 'X-Amz-SignedHeaders'],
  'X-Amz-Security-Token',
]);
/** A week, as S3 has it; seconds. */
const MAX_EXPIRES = 7 * 24 * 60 * 60;
/** The usual allowance of Signature Version 4 for clocks that differ. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

export function isPresigned(query: ReadonlyMap<string, string>): boolean {
  return query.has(SIGNATURE) || query.has('X-Amz-Algorithm');
}

/**
 * Verifies that a key's owner has signed this very request, and that its time is not over.
 *
 * @throws S3Error AuthorizationQueryParametersError, AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch
 */
export async function verifyPresigned(
  request: PresignedRequest,
  { findKey, nowMs }: { findKey(accessKeyId: string): Promise<AccessKey | null>; readonly nowMs: number },
): Promise<Presigned> {
  const { query, headers } = request;
  const scope = readScope(query);
  requireTime(query, scope, nowMs);
  const signedHeaders = readSignedHeaders(query, headers);
  const all = withHoisted(query, headers);
  const contentSha256 = all['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD';
  const key = await findKey(scope.accessKeyId);
  if (key === null)
    throw new S3Error(
      'InvalidAccessKeyId',
      403,
      'The access key that signed the address is not known here. Sign a new address.',
    );
  const canonical = [
    ...[request.method, canonicalPath(request.path), canonicalQuery(query)],
    ...[...signedHeaders.map((name) => `${name}:${canonicalValue(headers[name] ?? '')}`), ''],
    ...[signedHeaders.join(';'), contentSha256],
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const { day, region } = scope;
  const text = `AWS4-HMAC-SHA256\n${query.get('X-Amz-Date')}\n${day}/${region}/s3/aws4_request\n${hash}`;
  const expected = createHmac('sha256', signingKeyOf(key.secretAccessKey, { day, region, service: 's3' }))
    .update(text)
    .digest();
  const given = Buffer.from(query.get(SIGNATURE) ?? '', 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new S3Error(
      'SignatureDoesNotMatch',
      403,
      'The signature in the query does not match: method, path, query and signed headers must be those that were signed.',
    );
  const rest = [...query].filter(([name]) => !OF_SIGNATURE.has(name) && !isHoisted(name));
  return { key, contentSha256, headers: all, query: new Map(rest) };
}

interface Scope {
  readonly accessKeyId: string;
  readonly day: string;
  readonly region: string;
}

function readScope(query: ReadonlyMap<string, string>): Scope {
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw malformed('X-Amz-Algorithm must be AWS4-HMAC-SHA256');
  const parts = (query.get('X-Amz-Credential') ?? '').split('/');
  const [accessKeyId, day, region, service, end] = parts;
  if (!accessKeyId || !day || !region || service !== 's3' || end !== 'aws4_request' || parts.length !== 5)
    throw malformed("X-Amz-Credential must be 'KEY/DAY/REGION/s3/aws4_request'");
  return { accessKeyId, day, region };
}

/** @throws S3Error AccessDenied before and after the time of the address */
function requireTime(query: ReadonlyMap<string, string>, { day }: Scope, nowMs: number): void {
  const date = query.get('X-Amz-Date') ?? '';
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date);
  const [, year, month, dayOfMonth, hour, minute, second] = match ?? [];
  const signedAtMs = Date.parse(`${year}-${month}-${dayOfMonth}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(signedAtMs)) throw malformed("X-Amz-Date must be a time of the form '20260131T140509Z'");
  if (date.slice(0, 8) !== day) throw malformed('the day in X-Amz-Credential is not the day of X-Amz-Date');
  const text = query.get('X-Amz-Expires') ?? '';
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > MAX_EXPIRES)
    throw malformed(`X-Amz-Expires must be 1 to ${MAX_EXPIRES} seconds, which is a week`);
  if (nowMs < signedAtMs - MAX_CLOCK_SKEW_MS)
    throw new S3Error('AccessDenied', 403, `The address is not valid before ${new Date(signedAtMs).toISOString()}.`);
  const expiresMs = signedAtMs + seconds * 1000;
  if (nowMs >= expiresMs)
    throw new S3Error('AccessDenied', 403, `Request has expired: at ${new Date(expiresMs).toISOString()}.`);
}

function readSignedHeaders(query: ReadonlyMap<string, string>, headers: PresignedRequest['headers']): string[] {
  const names = (query.get('X-Amz-SignedHeaders') ?? '').toLowerCase().split(';');
  if (!names.includes('host')) throw malformed('X-Amz-SignedHeaders must name host');
  const missing = names.find((name) => !Object.hasOwn(headers, name));
  if (missing !== undefined)
    throw new S3Error(
      'AccessDenied',
      403,
      `The header ${missing.slice(0, 100)} was signed and is missing. A proxy may have removed it.`,
    );
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !names.includes(name));
  if (unsigned.length > 0)
    throw new S3Error(
      'AccessDenied',
      403,
      `There were headers present in the request which were not signed: ${unsigned.join(', ').slice(0, 300)}`,
    );
  return names;
}

/** SDKs sign headers of S3 as parts of the query, and these mean what they would mean as headers. */
function withHoisted(query: ReadonlyMap<string, string>, headers: PresignedRequest['headers']): Record<string, string> {
  const all: Record<string, string> = { ...headers };
  for (const [name, value] of query) {
    if (!isHoisted(name)) continue;
    const header = name.toLowerCase();
    if (!/^[a-z0-9_.-]+$/.test(header))
      throw malformed(`${JSON.stringify(header.slice(0, 100))} is no name of a header`);
    if (Object.hasOwn(all, header) && all[header] !== value)
      throw malformed(`${header.slice(0, 100)} stands in the query and is a header, too`);
    if (!/^[\x20-\x7e]*$/.test(value)) throw malformed(`${header.slice(0, 100)} cannot stand in a header`);
    all[header] = value;
  }
  return all;
}

function isHoisted(name: string): boolean {
  return /^x-amz-/i.test(name) && !OF_SIGNATURE.has(name);
}

function canonicalPath(path: string): string {
  return path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
}

function canonicalQuery(query: ReadonlyMap<string, string>): string {
  return [...query]
    .filter(([name]) => name !== SIGNATURE)
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
}

function canonicalValue(value: string): string {
  return value.trim().replace(/ +/g, ' ');
}

/** As Signature Version 4 encodes: everything but letters, digits and `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function malformed(why: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', 400, `The signature in the query is refused: ${why}.`);
}
