/** Objects and parts that are made of what the store has already. */
import { checksumElements, partChecksumElements } from './checksum-headers.ts';
import { type ChecksumAlgorithm, type Checksums, createChecksum } from './checksums.ts';
import { requireWritable } from './conditions.ts';
import { readCopySource, readDirective, readSourceRange, requireSource } from './copy-source.ts';
import type { IncomingFile } from './incoming-file.ts';
import { keptHeaders } from './kept-headers.ts';
import { NAMESPACE } from './list-query.ts';
import type { FoundObject, ObjectStore } from './object-store.ts';
import { type ByteRange, openContent, piecesOf } from './pieces.ts';
import { receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { ObjectFacts, ObjectVersion } from './stored-version.ts';
import { tagsOfHeader } from './tags.ts';
import type { UploadStore } from './upload-store.ts';
import { findPart, readAlgorithm } from './uploads.ts';
import { elements } from './xml.ts';

/** @returns the answer's XML */
export async function copyObject(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, key, headers, response } = request;
  await receiveNothing(request);
  const source = findSource(store, headers);
  const kept = readKept(request, source.object);
  const algorithm = readAlgorithm(headers['x-amz-checksum-algorithm']) ?? firstAlgorithm(source.object.checksums);
  requireWritable(headers, store.latest(bucket, key));
  const version = store.newVersion();
  response.setHeader('x-amz-version-id', version);
  response.setHeader('x-amz-copy-source-version-id', source.object.version);
  const content = store.incoming();
  request.mayTakeLong();
  try {
    const checksums = await copyContent(source, null, content, algorithm, request);
    const facts = { ...kept, eTag: content.md5(), checksums, checksumType: 'FULL_OBJECT' } as const;
    const object = await store.put(bucket, key, content, facts, {
      mayReplace: (latest) => requireWritable(headers, latest),
      version,
    });
    await request.noteChange([{ key, version }]);
    return result('CopyObjectResult', object.eTag, object.modifiedAtMs, checksumElements(object));
  } finally {
    await content.discard();
  }
}

/** @returns the answer's XML */
export async function copyPart(store: ObjectStore, uploads: UploadStore, request: S3Request): Promise<string> {
  const { headers, response } = request;
  await receiveNothing(request);
  const { upload, number } = findPart(uploads, request);
  const source = findSource(store, headers);
  const range = readSourceRange(headers['x-amz-copy-source-range'], source.object.sizeBytes);
  response.setHeader('x-amz-copy-source-version-id', source.object.version);
  const content = store.incoming();
  request.mayTakeLong();
  try {
    const checksums = await copyContent(source, range, content, upload.algorithm, request);
    const part = await uploads.putPart(upload, number, content, checksums);
    return result('CopyPartResult', part.md5, part.modifiedAtMs, partChecksumElements(part.checksums));
  } finally {
    await content.discard();
  }
}

/** @throws S3Error NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed */
function findSource(store: ObjectStore, headers: S3Request['headers']): FoundObject {
  const { bucket, key, version } = readCopySource(headers['x-amz-copy-source'] ?? '');
  const found = store.find(bucket, key, version);
  requireSource(headers, found.object);
  return found;
}

/** Headers and tags of the copy: the source's, or those of the request, as its directives say. */
function readKept({ bucket, key, headers }: S3Request, source: ObjectVersion): Pick<ObjectFacts, 'headers' | 'tags'> {
  const metadata = readDirective('x-amz-metadata-directive', headers);
  const tagging = readDirective('x-amz-tagging-directive', headers);
  const named = readCopySource(headers['x-amz-copy-source'] ?? '');
  const isItself = named.bucket === bucket && named.key === key && named.version === null;
  if (isItself && metadata === 'COPY' && tagging === 'COPY')
    throw new S3Error('InvalidRequest', 400, 'An object is copied to itself only with other metadata or tags.');
  return {
    headers: metadata === 'COPY' ? source.headers : keptHeaders(headers),
    tags: tagging === 'COPY' ? source.tags : tagsOfHeader(headers['x-amz-tagging']),
  };
}

function firstAlgorithm(checksums: Checksums): ChecksumAlgorithm | null {
  return (Object.keys(checksums) as ChecksumAlgorithm[])[0] ?? null;
}

/** Copies content, and waits until it is on the disk and the key still has its power. @returns the checksum that was asked for */
async function copyContent(
  { object, file }: FoundObject,
  range: ByteRange | null,
  into: IncomingFile,
  algorithm: ChecksumAlgorithm | null,
  { signal, requireStillAllowed }: S3Request,
): Promise<Checksums> {
  const content = await openContent(file);
  if (content === null) throw new S3Error('NoSuchKey', 404, `The source ${object.key} was removed just now.`);
  const checksum = algorithm === null ? null : createChecksum(algorithm);
  for await (const piece of piecesOf(content, range, signal)) {
    into.write(piece);
    checksum?.update(piece);
    await into.flush();
  }
  requireUnchanged(object, range, into);
  await into.settle();
  await requireStillAllowed();
  return algorithm === null || checksum === null ? {} : { [algorithm]: checksum.digest() };
}

/** A disk may have changed what it was given, and the copy would have an ETag that fits. @throws S3Error InternalError */
function requireUnchanged({ key, eTag, sizeBytes }: ObjectVersion, range: ByteRange | null, copy: IncomingFile): void {
  const isWhole = copy.sizeBytes === (range === null ? sizeBytes : range.end - range.start + 1);
  // The ETag of an object in parts is no sum of its content.
  const hasSum = range === null && /^[0-9a-f]{32}$/.test(eTag);
  if (isWhole && (!hasSum || copy.md5() === eTag)) return;
  throw new S3Error('InternalError', 500, `The content of ${key} has changed on the server's disk. Upload it again.`);
}

function result(name: string, eTag: string, modifiedAtMs: number, more: Readonly<Record<string, string>>): string {
  const facts = { LastModified: new Date(modifiedAtMs).toISOString(), ETag: `"${eTag}"`, ...more };
  return `<${name} ${NAMESPACE}>${elements(facts)}</${name}>`;
}
