import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { type Authorization, incomplete, parseAuthorization } from './authorization.ts';
import { canonicalRequest } from './canonical.ts';
import { sha256Hex } from './sha256.ts';
import { type SigningKeyOf, signingKeyOf } from './signing-key.ts';

/** A request as it arrived. Header names are in lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Text that the signature covers in place of the body: its hash in hex, computed by the receiver. S3 alone may put here what the client
   * claims in `x-amz-content-sha256`. That is `UNSIGNED-PAYLOAD` where S3 allows it, a `STREAMING-…` word, or a hash that S3 compares with
   * the body while it writes.
   */
  readonly bodySha256: string;
}

export interface VerifiedSignature {
  readonly accessKeyId: string;
  readonly service: string;
  readonly region: string;
  /** Value of `x-amz-security-token`, covered by the signature; null: the client sent none. */
  readonly sessionToken: string | null;
}

export interface VerifyOptions {
  /** Services that the credential scope may name. */
  readonly services: readonly string[];
  readonly nowMs: number;
  /** The secret of a key that may be used; null: unknown or disabled. */
  secretOf(accessKeyId: string): Promise<string | null>;
  /** false for S3, which signs the path as it is. */
  readonly uriEscapePath?: boolean;
  /** Headers that the signature must cover if they are there: without them it would fit other requests, too. */
  readonly requiredHeaders?: readonly string[];
  /** Derives signing keys; left out: anew for each request. */
  readonly signingKeyOf?: SigningKeyOf;
}

/** The usual allowance of Signature Version 4 for clocks that differ. */
const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

/** Headers that every signature must cover. Content-type is not one, because not every client signs it. */
const REQUIRED_HEADERS = ['host', 'x-amz-date', 'x-amz-target'] as const;

/** A request whose body has not been read. */
export type RequestHead = Omit<SignedRequest, 'bodySha256'>;

/** A signature of which everything holds that can be known without the body and the secret. */
export interface CheckedSignatureHead {
  readonly authorization: Authorization;
  readonly signedAtMs: number;
}

/**
 * Checks what a signature says of itself: form, date, scope and signed headers. A server asks this before it reads a body.
 *
 * @throws ApiError MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException
 */
export function checkSignatureHead(
  request: RequestHead,
  options: Pick<VerifyOptions, 'services' | 'nowMs' | 'requiredHeaders'>,
): CheckedSignatureHead {
  const authorization = parseAuthorization(headerOf(request, 'authorization'));
  const signedAtMs = requireDate(request, authorization, options.nowMs);
  requireService(authorization, options.services);
  requireSignedHeaders(request, authorization, options.requiredHeaders ?? REQUIRED_HEADERS);
  return { authorization, signedAtMs };
}

/**
 * Verifies a request's AWS Signature Version 4 by signing it again with the secret that the server knows.
 *
 * @throws ApiError MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException,
 * InvalidSignatureException: one type for each way to be wrong, as AWS has them
 */
export async function verifySignature(request: SignedRequest, options: VerifyOptions): Promise<VerifiedSignature> {
  const { authorization } = checkSignatureHead(request, options);
  const { accessKeyId, service, region } = authorization;
  requireBodyHash(request);
  const secretAccessKey = await options.secretOf(accessKeyId);
  if (secretAccessKey === null) {
    throw new ApiError('UnrecognizedClientException', `the access key ${accessKeyId} is not known here`);
  }
  const expected = signAgain(request, authorization, secretAccessKey, options);
  if (!timingSafeEqual(expected, Buffer.from(authorization.signature, 'hex'))) {
    throw invalid(
      'the signature does not match the request: the secret access key is another one, or something on the way changed the request',
    );
  }
  return { accessKeyId, service, region, sessionToken: headerOf(request, 'x-amz-security-token') ?? null };
}

function requireDate(request: RequestHead, authorization: Authorization, nowMs: number): number {
  const text = headerOf(request, 'x-amz-date') ?? '';
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) throw incomplete("the x-amz-date header is not of the form '20260131T140509Z'");
  const [, year, month, day, hour, minute, second] = match;
  const signedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(signedAtMs)) throw incomplete(`the x-amz-date header names no time: ${text}`);
  if (Math.abs(nowMs - signedAtMs) > MAX_CLOCK_SKEW_MS) {
    throw invalid(
      `the clocks differ by more than ${MAX_CLOCK_SKEW_MS / 60_000} minutes: signed at ${new Date(signedAtMs).toISOString()}, ` +
        `but here it is ${new Date(nowMs).toISOString()}`,
    );
  }
  if (authorization.day !== text.slice(0, 8)) {
    throw incomplete('the day in its Credential is not the day of x-amz-date');
  }
  return signedAtMs;
}

function requireService(authorization: Authorization, services: readonly string[]): void {
  if (services.includes(authorization.service)) return;
  throw invalid(
    `the credential is scoped to the service '${authorization.service}', not to '${services.join("' or '")}'`,
  );
}

function requireSignedHeaders(request: RequestHead, authorization: Authorization, required: readonly string[]): void {
  const { signedHeaders } = authorization;
  for (const name of [...required, 'x-amz-security-token']) {
    if (headerOf(request, name) !== undefined && !signedHeaders.includes(name)) {
      throw incomplete(`the header ${name} is not among its SignedHeaders`);
    }
  }
  for (const name of signedHeaders) {
    if (headerOf(request, name) === undefined) throw incomplete(`the signed header ${name} did not arrive`);
    // The signer replaces these two by its own, so a signature over them could not be made again.
    if (name === 'date' || name === 'authorization') throw incomplete(`the header ${name} is not one to sign`);
  }
}

/** A client may say what it takes the body's hash to be; the signer believes it, so it must be true. */
function requireBodyHash(request: SignedRequest): void {
  const claimed = headerOf(request, 'x-amz-content-sha256');
  if (claimed !== undefined && claimed !== request.bodySha256) {
    throw invalid('the body that arrived is not the body that was signed');
  }
}

/** The 32 bytes of the signature that the request should have. */
function signAgain(
  request: SignedRequest,
  { day, region, service, signedHeaders }: Authorization,
  secretAccessKey: string,
  options: Pick<VerifyOptions, 'uriEscapePath' | 'signingKeyOf'>,
): Buffer {
  const canonical = canonicalRequest({
    ...{ method: request.method, target: request.path, bodySha256: request.bodySha256 },
    headers: new Map(signedHeaders.map((name) => [name, headerOf(request, name) ?? ''])),
    uriEscapePath: options.uriEscapePath ?? true,
  });
  const key = (options.signingKeyOf ?? signingKeyOf)(secretAccessKey, { day, region, service });
  const date = headerOf(request, 'x-amz-date') ?? '';
  const text = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${sha256Hex(canonical)}`;
  return createHmac('sha256', key).update(text).digest();
}

/** A header that arrived. A client chooses the names that are looked up, and `constructor` must not be one that is always there. */
function headerOf(request: RequestHead, name: string): string | undefined {
  return Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
}

function invalid(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message);
}
