/**
 * The second door of the control server: as much of the S3 API as revisions need, over the objects on disk. Path-style addresses, every
 * bucket versioned, every request signed.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError } from '../../protocol/errors.ts';
import { verifySignature } from '../../protocol/sigv4/verify.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Role } from '../store/schema.ts';
import { type ChunkSigning, createChunkedReader, signingKey } from './chunked-body.ts';
import { type IncomingFile, type ObjectStore, type ObjectVersion, openObjectStore } from './object-store.ts';
import { errorXml, escapeXml, S3Error } from './s3-error.ts';

export interface S3Key {
  readonly secretAccessKey: string;
  readonly role: Role;
}

export interface S3Context {
  readonly dataDir: string;
  findKey(accessKeyId: string): Promise<S3Key | null>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** Made if they do not exist. */
  readonly buckets: readonly string[];
}

export interface S3Server {
  listen(host: string, port: number): Promise<string>;
  close(): Promise<void>;
}

const UNSIGNED = 'UNSIGNED-PAYLOAD';
const MAX_XML_BYTES = 4 * 1024 * 1024;
const MAX_KEY_BYTES = 1024;
const MAX_PART = 10_000;
const DEFAULT_TYPE = 'application/octet-stream';

export function createS3Server(ctx: S3Context): S3Server {
  const store = openObjectStore(join(ctx.dataDir, 's3'), ctx.clock, ctx.random);
  for (const bucket of ctx.buckets) store.createBucket(bucket);
  const onRequest = (request: IncomingMessage, response: ServerResponse) => void answer(ctx, store, request, response);
  const server: Server =
    ctx.tls === null
      ? createServer(onRequest)
      : createTlsServer({ cert: readFileSync(ctx.tls.certFile), key: readFileSync(ctx.tls.keyFile) }, onRequest);
  // A large bundle over a slow line takes its time.
  server.requestTimeout = 0;
  return {
    async listen(host, port) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', (cause) =>
          reject(
            new SlipwayError('SERVER_CANNOT_LISTEN', `${host}:${port} cannot be listened on: ${messageOf(cause)}`, {
              cause,
            }),
          ),
        );
        server.listen(port, host, resolve);
      });
      const { address, port: chosen, family } = server.address() as AddressInfo;
      return `${ctx.tls === null ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function answer(
  ctx: S3Context,
  store: ObjectStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = ctx.random.uuid();
  response.setHeader('x-amz-request-id', requestId);
  try {
    await route(ctx, store, request, response);
  } catch (thrown) {
    const error = toS3Error(ctx, thrown, requestId);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.statusCode = error.status;
    const body = errorXml(error, requestId);
    response.setHeader('content-type', 'application/xml');
    response.setHeader('content-length', Buffer.byteLength(body));
    // What is left of an upload that is refused is not read any more.
    response.setHeader('connection', 'close');
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

interface S3Request {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly body: BodyPromise;
}

/** What the signature says about the body. */
interface BodyPromise {
  readonly sha256: string | null;
  readonly chunked: 'no' | 'signed' | 'unsigned';
  readonly signing: ChunkSigning | null;
}

async function route(
  ctx: S3Context,
  store: ObjectStore,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Not through URL, which would resolve the dots of a key that looks like a path.
  const [path = '/', queryText = ''] = (message.url ?? '/').split('?', 2);
  const query = new URLSearchParams(queryText);
  const [bucket = '', ...rest] = path.slice(1).split('/').map(decodePart);
  const key = rest.join('/');
  const { role, body } = await authenticate(ctx, message);
  const method = message.method ?? 'GET';
  if (method !== 'GET' && method !== 'HEAD' && role !== 'admin' && role !== 'operator') {
    throw new S3Error('AccessDenied', 403, `A key of role ${role} may only read revisions.`);
  }
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new S3Error('KeyTooLongError', 400, `The key is longer than ${MAX_KEY_BYTES} bytes.`);
  const request: S3Request = { message, response, bucket, key, query, body };
  if (message.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  await (key === '' ? onBucket(store, method, request) : onObject(store, method, request));
}

async function onBucket(store: ObjectStore, method: string, request: S3Request): Promise<void> {
  const { bucket, query, response } = request;
  if (bucket === '') throw new S3Error('NotImplemented', 501, 'Buckets are not listed; name one in the path.');
  if (method === 'PUT') {
    store.createBucket(bucket);
    response.setHeader('location', `/${bucket}`);
    response.end();
    return;
  }
  if (!store.hasBucket(bucket)) throw new S3Error('NoSuchBucket', 404, `The bucket ${bucket} does not exist.`);
  if (method === 'HEAD') response.end();
  else if (method === 'GET' && query.has('location'))
    sendXml(response, '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>');
  else if (method === 'GET' && query.has('versioning')) {
    sendXml(
      response,
      '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>',
    );
  } else if (method === 'GET') sendXml(response, listing(store, bucket, query));
  else throw notImplemented(method);
}

async function onObject(store: ObjectStore, method: string, request: S3Request): Promise<void> {
  const { query } = request;
  switch (method) {
    case 'GET':
    case 'HEAD':
      return sendObject(store, request, method === 'HEAD');
    case 'PUT':
      return query.has('uploadId') ? putPart(store, request) : putObject(store, request);
    case 'POST':
      if (query.has('uploads')) return createUpload(store, request);
      if (query.has('uploadId')) return completeUpload(store, request);
      throw notImplemented(method);
    case 'DELETE':
      if (query.has('uploadId')) store.abortUpload(query.get('uploadId') ?? '');
      else store.remove(request.bucket, request.key, query.get('versionId'));
      request.response.statusCode = 204;
      request.response.end();
      return;
    default:
      throw notImplemented(method);
  }
}

async function putObject(store: ObjectStore, request: S3Request): Promise<void> {
  if (request.message.headers['x-amz-copy-source'] !== undefined) throw notImplemented('copy');
  if (!store.hasBucket(request.bucket))
    throw new S3Error('NoSuchBucket', 404, `The bucket ${request.bucket} does not exist.`);
  const content = store.incoming();
  try {
    await receive(request, content);
    const contentType = request.message.headers['content-type'] ?? DEFAULT_TYPE;
    const object = store.put(request.bucket, request.key, content, { eTag: content.md5(), contentType });
    request.response.setHeader('etag', `"${object.eTag}"`);
    request.response.setHeader('x-amz-version-id', object.version);
    request.response.end();
  } finally {
    content.discard();
  }
}

function createUpload(store: ObjectStore, { bucket, key, message, response }: S3Request): void {
  const uploadId = store.createUpload(bucket, key, message.headers['content-type'] ?? DEFAULT_TYPE);
  sendXml(
    response,
    `<InitiateMultipartUploadResult><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
  );
}

async function putPart(store: ObjectStore, request: S3Request): Promise<void> {
  const part = Number(request.query.get('partNumber'));
  if (!Number.isInteger(part) || part < 1 || part > MAX_PART)
    throw new S3Error('InvalidArgument', 400, `partNumber must be 1 to ${MAX_PART}.`);
  const content = store.incoming();
  try {
    await receive(request, content);
    store.putPart(request.query.get('uploadId') ?? '', part, content);
    request.response.setHeader('etag', `"${content.md5()}"`);
    request.response.end();
  } finally {
    content.discard();
  }
}

async function completeUpload(store: ObjectStore, request: S3Request): Promise<void> {
  const xml = await receiveText(request);
  const parts = [...xml.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>\s*(\d+)\s*<\/PartNumber>/.exec(part)?.[1]),
    eTag: (/<ETag>\s*([^<]*?)\s*<\/ETag>/.exec(part)?.[1] ?? '').replace(/&quot;|&#34;/g, ''),
  }));
  const { bucket, key, query, response } = request;
  const object = store.completeUpload(bucket, key, query.get('uploadId') ?? '', parts);
  response.setHeader('x-amz-version-id', object.version);
  sendXml(
    response,
    `<CompleteMultipartUploadResult><Location>/${escapeXml(`${bucket}/${key}`)}</Location><Bucket>${escapeXml(bucket)}</Bucket>` +
      `<Key>${escapeXml(key)}</Key><ETag>&quot;${object.eTag}&quot;</ETag></CompleteMultipartUploadResult>`,
  );
}

async function sendObject(store: ObjectStore, request: S3Request, headersOnly: boolean): Promise<void> {
  const { response, message } = request;
  const { object, file } = store.find(request.bucket, request.key, request.query.get('versionId'));
  const quoted = `"${object.eTag}"`;
  const ifMatch = message.headers['if-match'];
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch.replaceAll('"', '') !== object.eTag) {
    throw new S3Error('PreconditionFailed', 412, 'The object has another ETag than If-Match asks for.');
  }
  response.setHeader('etag', quoted);
  response.setHeader('x-amz-version-id', object.version);
  response.setHeader('last-modified', new Date(object.modifiedAtMs).toUTCString());
  response.setHeader('content-type', object.contentType);
  response.setHeader('accept-ranges', 'bytes');
  if (message.headers['if-none-match']?.replaceAll('"', '') === object.eTag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const range = readRange(message.headers.range, object);
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
  response.setHeader('content-length', end - start + 1);
  if (range !== null) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${end}/${object.sizeBytes}`);
  }
  if (headersOnly || object.sizeBytes === 0) {
    response.end();
    return;
  }
  await pipeline(createReadStream(file, { start, end }), response);
}

/** One range of bytes; null: the whole. Several at once are answered with the whole, as the protocol allows. */
function readRange(header: string | undefined, object: ObjectVersion): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const last = object.sizeBytes - 1;
  const start = match[1] === '' ? Math.max(0, object.sizeBytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? last : Math.min(Number(match[2]), last);
  if (start > end) throw new S3Error('InvalidRange', 416, `The object has ${object.sizeBytes} bytes.`);
  return { start, end };
}

/** Takes in a body, and makes sure that it is the one that was signed. */
async function receive({ message, body }: S3Request, content: IncomingFile): Promise<void> {
  const hash = createHash('sha256');
  const reader = body.chunked === 'no' ? null : createChunkedReader(body.signing, (piece) => content.write(piece));
  for await (const chunk of message as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (reader === null) content.write(chunk);
    else reader.write(chunk);
  }
  reader?.end();
  if (!message.complete) throw new S3Error('IncompleteBody', 400, 'The body ends too early.');
  if (body.sha256 !== null && hash.digest('hex') !== body.sha256) {
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body that came is not the body that was signed.');
  }
  const promised = message.headers['x-amz-decoded-content-length'];
  if (promised !== undefined && Number(promised) !== content.sizeBytes) {
    throw new S3Error('IncompleteBody', 400, `${content.sizeBytes} of ${String(promised)} bytes came.`);
  }
  const md5 = message.headers['content-md5'];
  if (md5 !== undefined && Buffer.from(content.md5(), 'hex').toString('base64') !== md5) {
    throw new S3Error('BadDigest', 400, 'The body that came does not have the Content-MD5 that was promised.');
  }
}

async function receiveText(request: S3Request): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_XML_BYTES) throw new S3Error('MalformedXML', 400, 'The body is too long.');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (request.body.sha256 !== null && createHash('sha256').update(body).digest('hex') !== request.body.sha256) {
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body that came is not the body that was signed.');
  }
  return body.toString('utf8');
}

function listing(store: ObjectStore, bucket: string, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const limit = Math.min(1000, Number(query.get('max-keys') ?? 1000) || 1000);
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const found = store.list(bucket).filter((object) => object.key.startsWith(prefix) && object.key > after);
  const shown = found.slice(0, limit);
  const contents = shown.map(
    (object) =>
      `<Contents><Key>${escapeXml(object.key)}</Key><LastModified>${new Date(object.modifiedAtMs).toISOString()}</LastModified>` +
      `<ETag>&quot;${object.eTag}&quot;</ETag><Size>${object.sizeBytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  const isCut = found.length > shown.length;
  return (
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${escapeXml(bucket)}</Name><Prefix>${escapeXml(prefix)}</Prefix>` +
    `<KeyCount>${shown.length}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${isCut}</IsTruncated>` +
    `${isCut ? `<NextContinuationToken>${escapeXml(shown.at(-1)?.key ?? '')}</NextContinuationToken>` : ''}${contents.join('')}</ListBucketResult>`
  );
}

async function authenticate(ctx: S3Context, message: IncomingMessage): Promise<{ role: Role; body: BodyPromise }> {
  const headers = Object.fromEntries(
    Object.entries(message.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
  const claimed = headers['x-amz-content-sha256'] ?? UNSIGNED;
  let key: S3Key | null = null;
  const verified = await verifySignature(
    { method: message.method ?? 'GET', path: message.url ?? '/', headers, bodySha256: claimed },
    {
      services: ['s3'],
      nowMs: ctx.clock.now(),
      uriEscapePath: false,
      requiredHeaders: ['host', 'x-amz-date', 'x-amz-content-sha256'],
      async secretOf(accessKeyId) {
        key = await ctx.findKey(accessKeyId);
        return key?.secretAccessKey ?? null;
      },
    },
  );
  const found = key as S3Key | null;
  if (found === null) throw new S3Error('InvalidAccessKeyId', 403, 'The access key is not known here.');
  return { role: found.role, body: bodyPromise(claimed, headers, found, verified) };
}

function bodyPromise(
  claimed: string,
  headers: Readonly<Record<string, string>>,
  key: S3Key,
  verified: { readonly region: string; readonly service: string },
): BodyPromise {
  if (claimed === UNSIGNED) return { sha256: null, chunked: 'no', signing: null };
  if (claimed === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return { sha256: null, chunked: 'unsigned', signing: null };
  if (claimed === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' || claimed === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER') {
    const date = headers['x-amz-date'] ?? '';
    const day = date.slice(0, 8);
    const { region, service } = verified;
    const seedSignature = /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    const signing = {
      key: signingKey(key.secretAccessKey, day, region, service),
      seedSignature,
      date,
      scope: `${day}/${region}/${service}/aws4_request`,
    };
    return { sha256: null, chunked: 'signed', signing };
  }
  if (!/^[0-9a-f]{64}$/.test(claimed))
    throw new S3Error('NotImplemented', 501, `x-amz-content-sha256 '${claimed}' is not supported.`);
  return { sha256: claimed, chunked: 'no', signing: null };
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
  if (thrown instanceof ApiError)
    return new S3Error(SIGNATURE_CODES[thrown.type] ?? 'AccessDenied', 403, thrown.message);
  ctx.log.error('a request to the revision store failed', { requestId, error: thrown });
  return new S3Error('InternalError', 500, 'The revision store has met a fault; the server’s log has it.');
}

function notImplemented(what: string): S3Error {
  return new S3Error('NotImplemented', 501, `The revision store has no ${what} for this.`);
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI', 400, 'The path is not percent-encoded as it should be.');
  }
}

function sendXml(response: ServerResponse, xml: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`;
  response.setHeader('content-type', 'application/xml');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
