/**
 * The control server's door for revisions: as much of the S3 API as they need, over the objects on disk. Every bucket is versioned, every
 * request signed.
 */

import { open, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isSlipwayError, systemErrorCode } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, retryAfterHeader } from '../../protocol/errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Connections } from '../connections/connections.ts';
import type { RequestListener, TlsFiles } from '../connections/guarded-server.ts';
import type { Rates } from '../connections/rates.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import { authenticate } from './authenticate.ts';
import { understand } from './gate.ts';
import { handle as carryOut, type Handling } from './handlers.ts';
import { isNeeded, type NeededObject } from './host-reads.ts';
import { bucketOfHost, refuseHostStyle } from './host-style.ts';
import { createLocks } from './locks.ts';
import { createLongAnswer } from './long-answer.ts';
import { openObjectStore } from './object-store.ts';
import type { RequireReadable } from './objects.ts';
import { requireOwnKey, requireOwnObjects } from './own-objects.ts';
import { S3Error } from './s3-error.ts';
import { type ChangedObject, readAddress, type S3Caller } from './s3-request.ts';
import { keyHasLostPower, type Transfers } from './transfers.ts';
import { startUploadRetention } from './upload-retention.ts';
import { openUploadStore } from './upload-store.ts';
import { elements, xmlText } from './xml.ts';

/** A request that has changed something. */
export interface ChangingRequest {
  /** Id of the request, which its answer carries. */
  readonly requestId: string;
  readonly caller: S3Caller;
  readonly operation: string;
  readonly bucket: string;
  readonly objects: readonly ChangedObject[];
}

export interface S3Context {
  readonly dataDir: string;
  /** Owner of the buckets in lists. */
  readonly accountId: string;
  /** null: not known. */
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  /** Lists the objects that open deployments to this host need now. */
  neededBy(hostArn: string): Promise<readonly NeededObject[]>;
  /** Keeps for the audit log what a request has changed. */
  noteChange(request: ChangingRequest): Promise<void>;
  readonly transfers: Pick<Transfers, 'begin'>;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly connections: Connections;
  readonly tls: TlsFiles | null;
  /** Whether other servers work in the same folder. */
  readonly isShared: boolean;
  /** Made if they do not exist. The keys in them begin with the names of the applications whose bundles they are. */
  readonly buckets: readonly string[];
  /** Names by which the store is reached, in lower case and without ports. */
  readonly names: readonly string[];
  /** The name behind those of buckets in requests in host style (`BUCKET.domain`); null: there are none. */
  readonly domain: string | null;
}

interface PlaceOfObject {
  readonly bucket: string;
  readonly key: string;
  /** null: the newest. */
  readonly version: string | null;
}

type ReadObjectAnswer = { readonly bytes: Buffer; readonly eTag: string } | 'too large' | null;

export interface RevisionDoor {
  readonly answer: RequestListener;
  hasBucket(bucket: string): boolean;
  /** Reads an object for the server itself. @returns null: there is none; `too large`: it is longer than `maxBytes` */
  read(place: PlaceOfObject, maxBytes: number): Promise<ReadObjectAnswer>;
  /** Opens an object for the server itself, which reads it in pieces. @returns null: there is none */
  open(place: PlaceOfObject): Promise<ObjectInPieces | null>;
  close(): Promise<void>;
}

interface ObjectInPieces {
  readonly sizeBytes: number;
  readonly eTag: string;
  read(from: number, to: number): Promise<Uint8Array>;
}

export function createRevisionDoor(ctx: S3Context): RevisionDoor {
  const root = join(ctx.dataDir, 's3');
  const locks = createLocks();
  const store = openObjectStore(root, { ...ctx, locks });
  for (const bucket of ctx.buckets) store.createBucket(bucket);
  const uploads = openUploadStore(root, store, { ...ctx, locks });
  const retention = startUploadRetention({ ...ctx, store, uploads });
  const door: Door = {
    ctx,
    handling: {
      ...{ store, uploads, accountId: ctx.accountId, requireReadable: readableBy(ctx) },
    },
    known: new Set([hostname().toLowerCase(), ...ctx.names]),
  };
  return {
    answer: (request, response) => void answer(door, request, response),
    hasBucket: store.hasBucket,
    async read({ bucket, key, version }, maxBytes) {
      const found = store.look(bucket, key, version);
      if (found === null) return null;
      const { object, file } = store.find(bucket, key, version);
      return object.sizeBytes > maxBytes ? 'too large' : { bytes: await readFile(file), eTag: object.eTag };
    },
    async open({ bucket, key, version }) {
      if (store.look(bucket, key, version) === null) return null;
      const { object, file } = store.find(bucket, key, version);
      return { sizeBytes: object.sizeBytes, eTag: object.eTag, read: (from, to) => readPiece(file, from, to) };
    },
    close: () => retention.close(),
  };
}

/** Opens the file for each piece, so that nothing stays open. */
async function readPiece(file: string, from: number, to: number): Promise<Uint8Array> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(
    Buffer.alloc(Math.max(0, to - from)),
    0,
    Math.max(0, to - from),
    from,
  );
  return buffer.subarray(0, bytesRead);
}

interface Door {
  readonly ctx: S3Context;
  readonly handling: Handling;
  /** Names by which the store is reached. */
  readonly known: ReadonlySet<string>;
}

async function answer(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = door.ctx.random.uuid();
  response.setHeader('x-amz-request-id', requestId);
  const long = createLongAnswer(response);
  try {
    await handle(door, request, response, { requestId, mayTakeLong: long.begin });
  } catch (thrown) {
    if (hasHungUp(thrown)) {
      response.destroy();
      return;
    }
    const error = toS3Error(door.ctx, thrown, requestId);
    const element = `<Error>${elements({ Code: error.code, Message: error.message, RequestId: requestId })}</Error>`;
    if (long.hasBegun) {
      response.end(element);
      return;
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    for (const name of response.getHeaderNames()) if (name !== 'x-amz-request-id') response.removeHeader(name);
    response.statusCode = error.status;
    for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
    const body = xmlText(element);
    response.setHeader('content-type', 'application/xml');
    response.setHeader('content-length', Buffer.byteLength(body));
    // What is left of an upload that is refused is not read any more.
    response.setHeader('connection', 'close');
    response.end(request.method === 'HEAD' ? undefined : body);
  } finally {
    long.stop();
  }
}

async function handle(
  door: Door,
  message: IncomingMessage,
  response: ServerResponse,
  { requestId, mayTakeLong }: { readonly requestId: string; mayTakeLong(): void },
): Promise<void> {
  const { ctx, known } = door;
  const { store } = door.handling;
  const hostBucket = bucketOfHost(message.headers.host ?? '', ctx.domain, known);
  const address = readAddress(message.url ?? '/', hostBucket);
  const { findKey, rates, connections } = ctx;
  const { caller, headers, query, body } = await authenticate(
    { findKey, rates, connections, nowMs: ctx.clock.now(), isEncrypted: ctx.tls !== null },
    message,
    address.query,
  );
  ctx.connections.verified(message, caller.accessKeyId);
  const { bucket, key } = address;
  const level = bucket === '' && key === '' ? 'store' : key === '' ? 'bucket' : 'object';
  const { name, changes } = understand({ method: message.method ?? 'GET', level, query, headers });
  if (hostBucket === null)
    refuseHostStyle(headers['host'] ?? '', { known, hasBucket: store.hasBucket }, name === 'CreateBucket');
  const { role } = caller;
  if (role === 'hook') throw new S3Error('AccessDenied', 403, 'A key of role hook may not use the revision store.');
  if (changes && role !== 'admin' && role !== 'operator')
    throw new S3Error('AccessDenied', 403, `A key of role ${role} may only read revisions.`);
  if (role === 'host' && name !== 'GetObject' && name !== 'HeadObject')
    throw new S3Error('AccessDenied', 403, 'A host may read the bundles of deployments to it, and nothing else.');
  requireOwnObjects(name, { caller, bucket, key, query, headers }, ctx.buckets);
  if (level !== 'store' && name !== 'CreateBucket' && role !== 'host') store.requireBucket(bucket);
  // Node lets no other expectation through.
  if (headers['expect'] !== undefined) response.writeContinue();
  const requireStillAllowed = () => requirePower(ctx, caller);
  const noteChange = (objects: readonly ChangedObject[]) =>
    ctx.noteChange({ requestId, caller, operation: name, bucket, objects });
  using transfer = ctx.transfers.begin(caller.accessKeyId);
  await carryOut(door.handling, name, {
    ...{ message, response, bucket, key, query, headers, caller, body },
    requireOwnKey: (ofKey) => requireOwnKey(name, caller, { bucket, key: ofKey }, ctx.buckets),
    ...{ requireStillAllowed, noteChange, mayTakeLong, signal: transfer.signal },
  });
}

function readableBy(ctx: Pick<S3Context, 'neededBy'>): RequireReadable {
  return async ({ caller, bucket, key }, object, isLatest) => {
    if (caller.role !== 'host') return;
    const needed = caller.hostArn === null ? [] : await ctx.neededBy(caller.hostArn);
    if (isNeeded(needed, { bucket, key }, object, isLatest)) return;
    throw new S3Error('AccessDenied', 403, 'No deployment to this host needs this object now.');
  };
}

/** A key that was disabled, or whose host was deregistered, since the request was let in. @throws S3Error AccessDenied */
async function requirePower(ctx: S3Context, { accessKeyId }: S3Caller): Promise<void> {
  if ((await ctx.findKey(accessKeyId))?.powerless === null) return;
  throw keyHasLostPower();
}

/** Signature faults have other names here than in the JSON APIs. */
const SIGNATURE_CODES: Readonly<Record<string, string>> = {
  MissingAuthenticationTokenException: 'AccessDenied',
  IncompleteSignatureException: 'AuthorizationHeaderMalformed',
  UnrecognizedClientException: 'InvalidAccessKeyId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
};

function toS3Error(ctx: S3Context, thrown: unknown, requestId: string): S3Error {
  if (thrown instanceof S3Error) return thrown;
  if (thrown instanceof ApiError && thrown.type === 'ThrottlingException')
    return new S3Error('SlowDown', 503, thrown.message, { ...retryAfterHeader(thrown) });
  if (thrown instanceof ApiError)
    return new S3Error(SIGNATURE_CODES[thrown.type] ?? 'AccessDenied', 403, thrown.message);
  if (isSlipwayError(thrown, 'SERVER_DATABASE_AWAY'))
    return new S3Error('ServiceUnavailable', 503, 'The server cannot use its database just now. Try again.');
  ctx.log.error('a request to the revision store failed', { requestId, error: thrown });
  return new S3Error('InternalError', 500, 'The revision store has met a fault; the server’s log has it.');
}

/** Whether an error only says that the client is gone: nobody is left to be answered, and nothing is wrong here. */
function hasHungUp(thrown: unknown): boolean {
  const code = systemErrorCode(thrown);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
