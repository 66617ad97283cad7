import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../protocol/errors.ts';
import { parseAuthorization } from '../../protocol/sigv4/authorization.ts';
import { signingKeyOf } from '../../protocol/sigv4/signing-key.ts';
import { requireSingleHeaders } from '../../protocol/sigv4/single-headers.ts';
import { verifySignature } from '../../protocol/sigv4/verify.ts';
import type { Connections } from '../connections/connections.ts';
import type { Claim, Rates } from '../connections/rates.ts';
import type { AccessKey, KnownAccessKey } from '../store/access-keys.ts';
import { powerlessError } from '../store/powers.ts';
import { isPresigned, verifyPresigned } from './presigned.ts';
import { S3Error } from './s3-error.ts';
import type { BodyPromise, S3Caller } from './s3-request.ts';

const UNSIGNED = 'UNSIGNED-PAYLOAD';
/** SHA-256 of a body, in hex. */
const SHA256 = /^[0-9a-f]{64}$/;
/** Services of S3’s family: the SDK sends some operations of S3 to them. */
const RELATIVES = ['s3express', 's3-object-lambda', 's3-outposts'];
const REQUIRED = ['host', 'x-amz-date', 'x-amz-content-sha256'];

export interface S3AuthenticationContext {
  /** null: not known. */
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  readonly nowMs: number;
  /** Whether the connection is one over TLS. */
  readonly isEncrypted: boolean;
}

export interface Authenticated {
  readonly caller: S3Caller;
  readonly headers: Readonly<Record<string, string>>;
  /** Without a signature that stood in it. */
  readonly query: ReadonlyMap<string, string>;
  readonly body: BodyPromise;
}

/**
 * Finds out who sends a request, before its body is read.
 *
 * The signature must cover everything that changes the meaning of a request. That is all `x-amz-…` headers, and the body where nothing else
 * protects it on the way. Otherwise somebody who has seen a request could send it once more with another body.
 *
 * @param query the request's, decoded
 * @throws S3Error AccessDenied, InvalidRequest, NotImplemented, and those of `verifyPresigned`. ApiError of `verifySignature`,
 * `requireSingleHeaders` and `Rates`. ApiError also for a key without power, so that its owner learns why
 */
export async function authenticate(
  ctx: S3AuthenticationContext & { readonly rates: Rates; readonly connections: Pick<Connections, 'clientOf'> },
  message: IncomingMessage,
  query: ReadonlyMap<string, string>,
): Promise<Authenticated> {
  const client = ctx.connections.clientOf(message);
  const asked: { claim: Claim | null; key: KnownAccessKey | null } = { claim: null, key: null };
  const findKey = async (id: string) => {
    asked.claim = { client, id };
    ctx.rates.admit(asked.claim);
    asked.key = await ctx.findKey(id);
    return asked.key;
  };
  const authenticated = await bySignature({ ...ctx, findKey }, message, query).catch((error: unknown) => {
    if (asked.claim === null || !isWrongSecret(error)) throw error;
    ctx.rates.failed(asked.claim);
    // Who has not the secret must not learn that there once was such a key.
    throw (asked.key?.powerless ?? null) === null ? error : powerlessError({ why: 'unknown' });
  });
  const { accessKeyId, role } = authenticated.caller;
  ctx.rates.proved({ client, id: accessKeyId }, role);
  const powerless = asked.key?.powerless ?? null;
  if (powerless !== null) throw powerlessError(powerless);
  return authenticated;
}

/** Whether a request named a key that is not known, or signed with another secret. */
function isWrongSecret(error: unknown): boolean {
  const name = error instanceof ApiError ? error.type : error instanceof S3Error ? error.code : '';
  return [
    'UnrecognizedClientException',
    'InvalidSignatureException',
    'InvalidAccessKeyId',
    'SignatureDoesNotMatch',
  ].includes(name);
}

async function bySignature(
  ctx: S3AuthenticationContext,
  message: IncomingMessage,
  query: ReadonlyMap<string, string>,
): Promise<Authenticated> {
  requireSingleHeaders(message.rawHeaders);
  const headers = textHeaders(message);
  if (query.has('AWSAccessKeyId'))
    throw new S3Error(
      'InvalidRequest',
      400,
      'The address is signed by version 2, which is not supported. Use AWS4-HMAC-SHA256: for the AWS CLI 1, `aws configure set default.s3.signature_version s3v4`.',
    );
  if (!isPresigned(query)) return { ...(await bySignedHeaders(ctx, message, headers)), query };
  if (headers['authorization'] !== undefined)
    throw new S3Error('InvalidArgument', 400, 'Only one signature is allowed: in the query, or in Authorization.');
  return byPresignedAddress(ctx, message, headers, query);
}

async function bySignedHeaders(
  ctx: S3AuthenticationContext,
  message: IncomingMessage,
  headers: Readonly<Record<string, string>>,
): Promise<Omit<Authenticated, 'query'>> {
  const claimed = headers['x-amz-content-sha256'];
  if (headers['authorization'] !== undefined && claimed === undefined)
    throw new S3Error('InvalidRequest', 400, 'The header x-amz-content-sha256 is missing.');
  requireAllSigned(headers);
  let key: AccessKey | null = null;
  const verified = await verifySignature(
    { method: message.method ?? 'GET', path: message.url ?? '/', headers, bodySha256: claimed ?? UNSIGNED },
    {
      services: ['s3', ...RELATIVES],
      nowMs: ctx.nowMs,
      uriEscapePath: false,
      requiredHeaders: REQUIRED,
      async secretOf(accessKeyId) {
        key = await ctx.findKey(accessKeyId);
        return key?.secretAccessKey ?? null;
      },
    },
  );
  if (verified.service !== 's3')
    throw new S3Error('NotImplemented', 501, `The service ${verified.service} is not known here. Nothing was changed.`);
  const found = key as AccessKey | null;
  if (found === null)
    throw new S3Error('InvalidAccessKeyId', 403, 'The access key is not known here: check AWS_ACCESS_KEY_ID.');
  const body = bodyPromise(claimed ?? UNSIGNED, headers, found, verified);
  if (body.isUnsigned && !ctx.isEncrypted && hasBody(message)) throw unsignedBody(claimed ?? UNSIGNED);
  return { caller: callerOf(found), headers, body };
}

/**
 * A presigned address leaves the body to the holder of the address. That is safe over TLS, and on this machine; elsewhere somebody who sees the
 * address pass could use it.
 */
async function byPresignedAddress(
  ctx: S3AuthenticationContext,
  message: IncomingMessage,
  headers: Readonly<Record<string, string>>,
  query: ReadonlyMap<string, string>,
): Promise<Authenticated> {
  const path = (message.url ?? '/').split('?', 1)[0] ?? '/';
  const verified = await verifyPresigned({ method: message.method ?? 'GET', path, query, headers }, ctx);
  const { contentSha256 } = verified;
  const isUnsigned = contentSha256 === UNSIGNED;
  if (!isUnsigned && !SHA256.test(contentSha256)) throw unknownHash(contentSha256);
  if (isUnsigned && !ctx.isEncrypted && !isFromHere(message) && hasBody(message)) throw unsignedBody(contentSha256);
  return {
    caller: callerOf(verified.key),
    headers: verified.headers,
    query: verified.query,
    body: { sha256: isUnsigned ? null : contentSha256, chunked: 'no', isUnsigned, signing: null },
  };
}

function callerOf({ accessKeyId, role, hostArn, scope }: AccessKey): S3Caller {
  return { accessKeyId, role, hostArn, scope };
}

function isFromHere({ socket }: IncomingMessage): boolean {
  return /^(?:(?:::ffff:)?127\.|::1$)/.test(socket.remoteAddress ?? '');
}

function unsignedBody(claimed: string): S3Error {
  return new S3Error(
    'AccessDenied',
    403,
    `Over plain HTTP the body must be signed, and x-amz-content-sha256 is ${claimed}. Sign the body, or use https.`,
  );
}

/** @throws S3Error AccessDenied, as S3 says it; ApiError of `parseAuthorization` */
function requireAllSigned(headers: Readonly<Record<string, string>>): void {
  const { signedHeaders } = parseAuthorization(headers['authorization']);
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name));
  if (unsigned.length === 0) return;
  const names = unsigned.join(', ').slice(0, 300);
  throw new S3Error('AccessDenied', 403, `There were headers present in the request which were not signed: ${names}`);
}

/** A request says by either header that a body follows. @see RFC 9112, section 6.3 */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function textHeaders(message: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(message.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}

function bodyPromise(
  claimed: string,
  headers: Readonly<Record<string, string>>,
  key: AccessKey,
  { region, service }: { readonly region: string; readonly service: string },
): BodyPromise {
  const unsigned = { sha256: null, isUnsigned: true, signing: null };
  switch (claimed) {
    case UNSIGNED:
      return { ...unsigned, chunked: 'no' };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { ...unsigned, chunked: 'unsigned' };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': {
      const date = headers['x-amz-date'] ?? '';
      const day = date.slice(0, 8);
      const signing = {
        key: signingKeyOf(key.secretAccessKey, { day, region, service }),
        seedSignature: /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '',
        date,
        scope: `${day}/${region}/${service}/aws4_request`,
        hasTrailer: claimed.endsWith('-TRAILER'),
      };
      return { sha256: null, chunked: 'signed', isUnsigned: false, signing };
    }
  }
  if (!SHA256.test(claimed)) throw unknownHash(claimed);
  return { sha256: claimed, chunked: 'no', isUnsigned: false, signing: null };
}

function unknownHash(claimed: string): S3Error {
  return new S3Error('NotImplemented', 501, `x-amz-content-sha256 '${claimed.slice(0, 100)}' is not known here.`);
}
