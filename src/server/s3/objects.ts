/** Single objects: written and read. */
import { pipeline } from 'node:stream/promises';
import { setChecksums } from './checksum-headers.ts';
import { isNotModified, requireWritable } from './conditions.ts';
import { keptHeaders, shownHeaders } from './kept-headers.ts';
import { partsCountOf, rangeOfPart } from './object-parts.ts';
import type { FoundObject, ObjectStore } from './object-store.ts';
import { type ByteRange, type OpenContent, openContent } from './pieces.ts';
import { receiveFile, receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { ObjectVersion } from './stored-version.ts';
import { tagsOfHeader } from './tags.ts';
import { readPartNumber } from './uploads.ts';

export async function putObject(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, headers, response } = request;
  store.requireBucket(bucket);
  const [kept, tags] = [keptHeaders(headers), tagsOfHeader(headers['x-amz-tagging'])];
  // Before the body, so that nobody sends a bundle for nothing; and once more when it is there.
  requireWritable(headers, store.latest(bucket, key));
  const content = store.incoming();
  try {
    const checksums = await receiveFile(request, content);
    await content.settle();
    await request.requireStillAllowed();
    const facts = { eTag: content.md5(), headers: kept, checksums, checksumType: 'FULL_OBJECT', tags } as const;
    const object = await store.put(bucket, key, content, facts, {
      mayReplace: (latest) => requireWritable(headers, latest),
    });
    await request.noteChange([{ key, version: object.version }]);
    response.setHeader('etag', `"${object.eTag}"`);
    response.setHeader('x-amz-version-id', object.version);
    setChecksums(response, object);
    response.end();
  } finally {
    await content.discard();
  }
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
  const looked = store.look(bucket, key, version);
  await requireReadable(request, looked?.object ?? null, looked?.isLatest ?? false);
  const found = store.find(bucket, key, looked?.object.version ?? version);
  const { object } = found;
  const notModified = isNotModified(headers, object);
  const shown = shownHeaders(object.headers, query);
  const range = notModified ? null : (readPart(request, object) ?? readRange(headers['range'], object));
  setFacts(request, object, shown);
  if (query.has('partNumber') && object.parts.length > 0)
    response.setHeader('x-amz-mp-parts-count', partsCountOf(object.eTag) ?? 1);
  if (notModified) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: object.sizeBytes - 1 };
  response.setHeader('content-length', end - start + 1);
  if (range !== null) {
    response.statusCode = 206;
    if (end >= start) response.setHeader('content-range', `bytes ${start}-${end}/${object.sizeBytes}`);
  } else if (headers['x-amz-checksum-mode'] !== undefined) setChecksums(response, object);
  if (message.method === 'HEAD' || end < start) {
    response.end();
    return;
  }
  const content = await requireContent(store, request, found);
  try {
    await pipeline(content.createReadStream({ start, end }), response, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** Opens an object before the answer begins: one that is removed meanwhile is then read to its end, or is not there. */
async function requireContent(
  store: ObjectStore,
  { bucket, key }: S3Request,
  { object, file }: FoundObject,
): Promise<OpenContent> {
  const content = await openContent(file);
  if (content !== null) return content;
  store.find(bucket, key, object.version);
  throw new S3Error('NoSuchKey', 404, `s3://${bucket}/${key} was removed just now.`);
}

function setFacts({ response }: S3Request, object: ObjectVersion, shown: Readonly<Record<string, string>>): void {
  response.setHeader('etag', `"${object.eTag}"`);
  response.setHeader('x-amz-version-id', object.version);
  response.setHeader('last-modified', new Date(object.modifiedAtMs).toUTCString());
  for (const [name, value] of Object.entries(shown)) response.setHeader(name, value);
  if (object.tags.length > 0) response.setHeader('x-amz-tagging-count', object.tags.length);
  response.setHeader('accept-ranges', 'bytes');
}

/** The part that a request asks for; null: it asks for none. @throws S3Error InvalidArgument, InvalidRequest, InvalidPartNumber, NotImplemented */
function readPart({ query, headers }: S3Request, object: ObjectVersion): ByteRange | null {
  const text = query.get('partNumber');
  if (text === undefined) return null;
  if (headers['range'] !== undefined)
    throw new S3Error('InvalidRequest', 400, 'A request has a Range or a partNumber, and this one has both.');
  const number = readPartNumber(text);
  const count = partsCountOf(object.eTag) ?? 1;
  if (number > count)
    throw new S3Error('InvalidPartNumber', 416, `The object has ${count} ${count === 1 ? 'part' : 'parts'}.`);
  if (count === 1) return { start: 0, end: object.sizeBytes - 1 };
  const range = rangeOfPart(object.parts, number);
  if (range !== null) return range;
  const why =
    'The object is from an earlier server, which did not keep where its parts end. Read it by Range, or whole.';
  throw new S3Error('NotImplemented', 501, why);
}

/** One range of bytes; null: the whole. Several at once are answered with the whole, as the protocol allows. */
function readRange(header: string | undefined, object: ObjectVersion): ByteRange | null {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const last = object.sizeBytes - 1;
  const start = match[1] === '' ? Math.max(0, object.sizeBytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? last : Math.min(Number(match[2]), last);
  if (start > end) throw new S3Error('InvalidRange', 416, `The object has ${object.sizeBytes} bytes.`);
  return { start, end };
}
