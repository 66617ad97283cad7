/** Objects that come in parts. */
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './checksums.ts';
import { requireWritable } from './conditions.ts';
import { keptHeaders } from './kept-headers.ts';
import type { ObjectStore, ObjectVersion } from './object-store.ts';
import { readPromise, readSize, receiveFile, receiveNothing, receiveText } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { type CompletedPart, joinParts } from './upload-parts.ts';
import { childText, elements, malformed, readXml, type XmlElement } from './xml.ts';

const MAX_PART = 10_000;

/** @returns the answer's XML */
export async function createUpload(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, key, headers } = request;
  await receiveNothing(request);
  const named = headers['x-amz-checksum-algorithm']?.toUpperCase();
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === named) ?? null;
  if (named !== undefined && algorithm === null)
    throw new S3Error('NotImplemented', 501, `The checksum algorithm '${named.slice(0, 40)}' is not known here.`);
  const type = headers['x-amz-checksum-type'];
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT')
    throw new S3Error('InvalidRequest', 400, 'x-amz-checksum-type must be COMPOSITE or FULL_OBJECT.');
  const UploadId = store.createUpload(bucket, key, { headers: keptHeaders(headers), algorithm });
  if (algorithm !== null) request.response.setHeader('x-amz-checksum-algorithm', algorithm);
  return answer('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId });
}

export async function uploadPart(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  const part = readPartNumber(query.get('partNumber') ?? '');
  const upload = store.findUpload(bucket, key, query.get('uploadId') ?? '');
  const content = store.incoming();
  try {
    const checksums = await receiveFile(request, content, upload.algorithm);
    await content.settle();
    store.putPart(upload.uploadId, part, content, checksums);
    response.setHeader('etag', `"${content.md5()}"`);
    response.end();
  } finally {
    content.discard();
  }
}

/** @returns the answer's XML */
export async function completeUpload(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, key, query, headers, response } = request;
  const parts = readParts(await receiveText(request));
  const upload = store.findUpload(bucket, key, query.get('uploadId') ?? '');
  requireWritable(headers, store.latest(bucket, key));
  const sizeBytes = readSize('x-amz-mp-object-size', headers['x-amz-mp-object-size']);
  const { algorithm, isInTrailer, value } = readPromise(headers);
  const promise = {
    sizeBytes,
    checksum: algorithm === null || isInTrailer || value === null ? null : { algorithm, value },
  };
  const whole = store.incoming();
  let object: ObjectVersion;
  try {
    const facts = await joinParts(store.partsFolder(upload), parts, whole, promise, request.signal);
    await whole.settle();
    // That may have taken minutes.
    await request.requireStillAllowed();
    requireWritable(headers, store.latest(bucket, key));
    object = store.completeUpload(upload, whole, facts);
  } finally {
    whole.discard();
  }
  response.setHeader('x-amz-version-id', object.version);
  return answer('CompleteMultipartUploadResult', {
    Location: `/${bucket}/${key}`,
    Bucket: bucket,
    Key: key,
    ETag: `"${object.eTag}"`,
  });
}

export async function abortUpload(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  await receiveNothing(request);
  store.abortUpload(store.findUpload(bucket, key, query.get('uploadId') ?? ''));
  response.statusCode = 204;
  response.end();
}

function readParts(text: string): readonly CompletedPart[] {
  const list = readXml(text, 'CompleteMultipartUpload');
  for (const name of list.children.keys())
    if (name !== 'Part') throw malformed(`it has the element ${name.slice(0, 40)}`);
  const parts = list.children.get('Part') ?? [];
  if (parts.length === 0) throw malformed('it names no part');
  if (parts.length > MAX_PART) throw malformed(`it names more than ${MAX_PART} parts`);
  return parts.map((part) => ({
    number: readPartNumber(childText(part, 'PartNumber') ?? ''),
    eTag: (childText(part, 'ETag') ?? '').replaceAll('"', ''),
    checksums: checksumsOf(part),
  }));
}

function checksumsOf(part: XmlElement): CompletedPart['checksums'] {
  const found: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = childText(part, `Checksum${algorithm}`);
    if (value !== null) found[algorithm] = value;
  }
  const known = new Set(['PartNumber', 'ETag', ...CHECKSUM_ALGORITHMS.map((algorithm) => `Checksum${algorithm}`)]);
  for (const name of part.children.keys())
    if (!known.has(name)) throw malformed(`a part has the element ${name.slice(0, 40)}`);
  return found;
}

function readPartNumber(text: string): number {
  const part = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (part < 1 || part > MAX_PART)
    throw new S3Error('InvalidArgument', 400, `A part's number must be 1 to ${MAX_PART}.`);
  return part;
}

function answer(name: string, values: Readonly<Record<string, string>>): string {
  return `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${elements(values)}</${name}>`;
}
