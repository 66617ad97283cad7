import { timingSafeEqual } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { ApiError } from '../errors.ts';
import { requestFor } from './request.ts';
import { Sha256 } from './sha256.ts';

/** A request as it arrived. Header names are in lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What stands in the signature for the body: its hash in hex, computed by the receiver, or a word that S3 allows instead. */
  readonly bodySha256: string;
}

export interface VerifiedSignature {
  readonly accessKeyId: string;
  readonly service: string;
  readonly region: string;
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
  /** Headers that the signature must cover. */
  readonly requiredHeaders?: readonly string[];
}

/** The usual allowance of Signature Version 4 for clocks that differ. */
export const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

/** Without these a signature would fit other requests, too. Not content-type: not every client signs it. */
const REQUIRED_HEADERS = ['host', 'x-amz-date', 'x-amz-target'] as const;

interface Authorization {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  readonly day: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/**
 * Verifies a request's AWS Signature Version 4 by signing it again with the secret that the server knows.
 *
 * @throws ApiError MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException,
 * InvalidSignatureException: one type for each way to be wrong, as AWS has them
 */
export async function verifySignature(request: SignedRequest, options: VerifyOptions): Promise<VerifiedSignature> {
  const authorization = parseAuthorization(request.headers['authorization']);
  const signedAtMs = requireDate(request, authorization, options.nowMs);
  requireService(authorization, options.services);
  requireSignedHeaders(request, authorization, options.requiredHeaders ?? REQUIRED_HEADERS);
  requireBodyHash(request);
  const secretAccessKey = await options.secretOf(authorization.accessKeyId);
  if (secretAccessKey === null) {
    throw denied('UnrecognizedClientException', `the access key ${authorization.accessKeyId} is not known here`);
  }
  const expected = await signAgain(request, authorization, secretAccessKey, signedAtMs, options.uriEscapePath ?? true);
  if (!equalInConstantTime(expected, authorization.signature)) {
    throw denied(
      'InvalidSignatureException',
      'the signature does not match the request: the secret access key is another one, or something on the way changed the request',
    );
  }
  return {
    accessKeyId: authorization.accessKeyId,
    service: authorization.service,
    region: authorization.region,
    sessionToken: request.headers['x-amz-security-token'] ?? null,
  };
}

function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === '') {
    throw denied('MissingAuthenticationTokenException', 'the request is not signed: it has no Authorization header');
  }
  const match = /^AWS4-HMAC-SHA256\s+(.*)$/s.exec(header.trim());
  const fields = new Map(
    (match?.[1] ?? '').split(',').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at).trim(), field.slice(at + 1).trim()] as const;
    }),
  );
  const [accessKeyId, day, region, service, terminator, ...rest] = (fields.get('Credential') ?? '').split('/');
  const signedHeaders = fields.get('SignedHeaders')?.toLowerCase().split(';') ?? [];
  const signature = fields.get('Signature') ?? '';
  if (!accessKeyId || !day || !region || !service || terminator !== 'aws4_request' || rest.length > 0) {
    throw incomplete("its Credential is not 'KEY/DAY/REGION/SERVICE/aws4_request'");
  }
  if (signedHeaders.length === 0) throw incomplete('it names no SignedHeaders');
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incomplete('its Signature is not 64 hexadecimal digits');
  return { accessKeyId, day, region, service, signedHeaders, signature };
}

function requireDate(request: SignedRequest, authorization: Authorization, nowMs: number): number {
  const text = request.headers['x-amz-date'] ?? '';
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) throw incomplete("the x-amz-date header is not of the form '20260131T140509Z'");
  const [, year, month, day, hour, minute, second] = match;
  const signedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(signedAtMs)) throw incomplete(`the x-amz-date header names no time: ${text}`);
  if (Math.abs(nowMs - signedAtMs) > MAX_CLOCK_SKEW_MS) {
    throw denied(
      'InvalidSignatureException',
      `the clocks differ by more than ${MAX_CLOCK_SKEW_MS / 60_000} minutes: signed at ${new Date(signedAtMs).toISOString()}, ` +
        `but here it is ${new Date(nowMs).toISOString()}`,
    );
  }
  if (authorization.day !== text.slice(0, 8))
    throw incomplete('the day in its Credential is not the day of x-amz-date');
  return signedAtMs;
}

function requireService(authorization: Authorization, services: readonly string[]): void {
  if (services.includes(authorization.service)) return;
  throw denied(
    'InvalidSignatureException',
    `the credential is scoped to the service '${authorization.service}', not to '${services.join("' or '")}'`,
  );
}

function requireSignedHeaders(request: SignedRequest, authorization: Authorization, required: readonly string[]): void {
  for (const name of required) {
    if (request.headers[name] !== undefined && !authorization.signedHeaders.includes(name)) {
      throw incomplete(`the header ${name} is not among its SignedHeaders`);
    }
  }
  for (const name of authorization.signedHeaders) {
    if (request.headers[name] === undefined) throw incomplete(`the signed header ${name} did not arrive`);
  }
}

/** A client may say what it takes the body's hash to be; the signer believes it, so it must be true. */
function requireBodyHash(request: SignedRequest): void {
  const claimed = request.headers['x-amz-content-sha256'];
  if (claimed !== undefined && claimed !== request.bodySha256) {
    throw denied('InvalidSignatureException', 'the body that arrived is not the body that was signed');
  }
}

async function signAgain(
  request: SignedRequest,
  authorization: Authorization,
  secretAccessKey: string,
  signedAtMs: number,
  uriEscapePath: boolean,
): Promise<string> {
  const { accessKeyId, region, service, signedHeaders } = authorization;
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    uriEscapePath,
    applyChecksum: false,
  });
  const headers: Record<string, string> = {};
  for (const name of signedHeaders) headers[name] = request.headers[name] ?? '';
  // The signer takes the body's hash from this header; it enters the signature only if the client has signed it, too.
  headers['x-amz-content-sha256'] = request.bodySha256;
  const signed = await signer.sign(requestFor({ method: request.method, target: request.path, headers }), {
    signingDate: new Date(signedAtMs),
    signableHeaders: new Set(signedHeaders),
    unsignableHeaders: new Set(signedHeaders.includes('x-amz-content-sha256') ? [] : ['x-amz-content-sha256']),
  });
  return /Signature=([0-9a-f]{64})/.exec(signed.headers['authorization'] ?? '')?.[1] ?? '';
}

function equalInConstantTime(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

function denied(type: string, message: string): ApiError {
  return new ApiError(type, message, { status: type === 'MissingAuthenticationTokenException' ? 403 : 400 });
}

function incomplete(what: string): ApiError {
  return new ApiError('IncompleteSignatureException', `the Authorization header is incomplete: ${what}`);
}
