/** Single objects: written, read and removed. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type ChecksumAlgorithm, type Checksums, checksumHeader } from './checksums.ts';
import { isNotModified, requireWritable } from './conditions.ts';
import { keptHeaders, shownHeaders } from './kept-headers.ts';
import type { ObjectStore, ObjectVersion } from './object-store.ts';
import { receiveFile, receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

export async function putObject(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, headers, response } = request;
  store.requireBucket(bucket);
  const kept = keptHeaders(headers);
  // Before the body, so that nobody sends a bundle for nothing; and once more when it is there.
  requireWritable(headers, store.latest(bucket, key));
  const content = store.incoming();
  try {
    const checksums = await receiveFile(request, content);
    await content.settle();
    await request.requireStillAllowed();
    requireWritable(headers, store.latest(bucket, key));
    const object = store.put(bucket, key, content, { eTag: content.md5(), headers: kept, checksums });
    response.setHeader('etag', `"${object.eTag}"`);
    response.setHeader('x-amz-version-id', object.version);
    setChecksums(request, checksums);
    response.end();
  } finally {
    content.discard();
  }
}

export async function deleteObject(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  await receiveNothing(request);
  store.remove(bucket, key, query.get('versionId') ?? null);
  response.statusCode = 204;
  response.end();
}

/** Decides whether the caller may read an object. @throws S3Error AccessDenied, the same whether it is there or not */
export type RequireReadable = (request: S3Request, object: ObjectVersion | null, isLatest: boolean) => Promise<void>;

export async function sendObject(
  store: ObjectStore,
  request: S3Request,
  requireReadable: RequireReadable,
): Promise<void> {
  const { response, headers, bucket, key, query, message, signal } = request;
  await receiveNothing(request);
  const version = query.get('versionId') ?? null;
  const found = store.look(bucket, key, version);
  await requireReadable(request, found?.object ?? null, found?.isLatest ?? false);
  const { object, file } = store.find(bucket, key, version);
  const notModified = isNotModified(headers, object);
  response.setHeader('etag', `"${object.eTag}"`);
  response.setHeader('x-amz-version-id', object.version);
  response.setHeader('last-modified', new Date(object.modifiedAtMs).toUTCString());
  for (const [name, value] of Object.entries(shownHeaders(object.headers, query))) response.setHeader(name, value);
  response.setHeader('accept-ranges', 'bytes');
  if (notModified) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const range = readRange(headers['range'], object);
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
  response.setHeader('content-length', end - start + 1);
  if (range !== null) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${end}/${object.sizeBytes}`);
  } else if (headers['x-amz-checksum-mode'] !== undefined) setChecksums(request, object.checksums);
  if (message.method === 'HEAD' || object.sizeBytes === 0) {
    response.end();
    return;
  }
  try {
    await pipeline(createReadStream(file, { start, end }), response, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function setChecksums({ response }: S3Request, checksums: Checksums): void {
  for (const [algorithm, value] of Object.entries(checksums))
    response.setHeader(checksumHeader(algorithm as ChecksumAlgorithm), value);
}

/** One range of bytes; null: the whole. Several at once are answered with the whole, as the protocol allows. */
function readRange(header: string | undefined, object: ObjectVersion): { start: number; end: number } | null {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const last = object.sizeBytes - 1;
  const start = match[1] === '' ? Math.max(0, object.sizeBytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? last : Math.min(Number(match[2]), last);
  if (start > end) throw new S3Error('InvalidRange', 416, `The object has ${object.sizeBytes} bytes.`);
  return { start, end };
}
