/** A request to the revision store, taken apart and authenticated; its body is still on the way. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { Role } from '../store/schema.ts';
import type { ChunkSigning } from './chunked-body.ts';
import { S3Error } from './s3-error.ts';

/** Sender of a request. */
export interface S3Caller {
  readonly accessKeyId: string;
  readonly role: Role;
  /** For the role `host`: the host whose key it is. */
  readonly hostArn: string | null;
  /** null: the key is not limited to some applications. */
  readonly scope: KeyScope | null;
}

/** Promise of the signature about the body. */
export interface BodyPromise {
  /** In hex; null: the signature does not cover it as a whole. */
  readonly sha256: string | null;
  readonly chunked: 'no' | 'signed' | 'unsigned';
  /** Whether the signature says nothing about the body: then it must be empty, unless TLS protects it. */
  readonly isUnsigned: boolean;
  readonly signing: ChunkSigning | null;
}

/** An object that a request has changed. */
export interface ChangedObject {
  /** Empty: the bucket itself. */
  readonly key: string;
  /** null: none was made or removed. */
  readonly version: string | null;
}

export interface S3Request {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly bucket: string;
  readonly key: string;
  /** Decoded; each name once. */
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: S3Caller;
  readonly body: BodyPromise;
  /** For keys that the body names. @throws S3Error AccessDenied for one that is not within the scope of the caller's key */
  requireOwnKey(key: string): void;
  /** Asked once more when the body is there, which may have taken hours. @throws S3Error when the key has lost its power meanwhile */
  requireStillAllowed(): Promise<void>;
  /** Says what the request has changed, before it is answered. So the audit log has the change, except after a kill in between. */
  noteChange(objects: readonly ChangedObject[]): Promise<void>;
  /** Has blanks sent while the operation takes long, once all headers of its answer are set. */
  mayTakeLong(): void;
  /** Aborts when the key loses its power while the request is under way; the reason is the error for the client. */
  readonly signal: AbortSignal;
}

const MAX_KEY_BYTES = 1024;

export interface S3Address {
  /** Empty: none is named. */
  readonly bucket: string;
  /** Empty: the request is about the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

/**
 * Reads path and query of a request. Not through URL, which would resolve the dots of a key that looks like a path.
 *
 * @param hostBucket the bucket that the host's name has named; null: the path names it
 * @throws S3Error InvalidURI, KeyTooLongError, InvalidArgument for a query name that comes twice
 */
export function readAddress(target: string, hostBucket: string | null): S3Address {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  if (!path.startsWith('/')) throw new S3Error('InvalidURI', 400, 'The address is no path of this server.');
  const parts = path.slice(1).split('/').map(decode);
  const bucket = hostBucket ?? parts.shift() ?? '';
  const key = parts.join('/');
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new S3Error('KeyTooLongError', 400, `The key is longer than ${MAX_KEY_BYTES} bytes.`);
  return { bucket, key, query: readQuery(question < 0 ? '' : target.slice(question + 1)) };
}

function readQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (query.has(name)) throw new S3Error('InvalidArgument', 400, `'${name}' stands in the query more than once.`);
    query.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', 400, 'The address is not percent-encoded as it should be.');
  }
}
