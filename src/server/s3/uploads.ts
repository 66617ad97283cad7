/** Uploads in parts: begun, given their parts, given up. */
import { setPartChecksums } from './checksum-headers.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, type ChecksumType } from './checksums.ts';
import { keptHeaders } from './kept-headers.ts';
import { NAMESPACE } from './list-query.ts';
import type { ObjectStore } from './object-store.ts';
import { readPromise, receiveFile, receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { Upload } from './stored-upload.ts';
import { tagsOfHeader } from './tags.ts';
import type { UploadStore } from './upload-store.ts';
import { elements } from './xml.ts';

const MAX_PART = 10_000;

/** @returns the answer's XML */
export async function createUpload(uploads: UploadStore, request: S3Request): Promise<string> {
  const { bucket, key, headers, response } = request;
  await receiveNothing(request);
  const summed = readChecksumChoice(headers);
  const { uploadId } = await uploads.create({
    ...{ bucket, key, headers: keptHeaders(headers), tags: tagsOfHeader(headers['x-amz-tagging']) },
    ...summed,
  });
  if (summed.algorithm !== null) {
    response.setHeader('x-amz-checksum-algorithm', summed.algorithm);
    response.setHeader('x-amz-checksum-type', summed.checksumType);
  }
  const result = elements({ Bucket: bucket, Key: key, UploadId: uploadId });
  return `<InitiateMultipartUploadResult ${NAMESPACE}>${result}</InitiateMultipartUploadResult>`;
}

export async function uploadPart(store: ObjectStore, uploads: UploadStore, request: S3Request): Promise<void> {
  const { response } = request;
  const { upload, number } = findPart(uploads, request);
  const promised = readPromise(request.headers).algorithm;
  if (promised !== null && upload.algorithm !== null && promised !== upload.algorithm)
    throw new S3Error('InvalidRequest', 400, `The parts of this upload have ${upload.algorithm}, not ${promised}.`);
  const content = store.incoming();
  try {
    const checksums = await receiveFile(request, content, upload.algorithm);
    await content.settle();
    await request.requireStillAllowed();
    const part = await uploads.putPart(upload, number, content, checksums);
    response.setHeader('etag', `"${part.md5}"`);
    setPartChecksums(response, part.checksums);
    response.end();
  } finally {
    await content.discard();
  }
}

export async function abortUpload(uploads: UploadStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  await receiveNothing(request);
  await uploads.abort(uploads.find(bucket, key, query.get('uploadId') ?? ''));
  response.statusCode = 204;
  response.end();
}

/** The upload and the part that a request is about. @throws S3Error InvalidArgument, NoSuchUpload */
export function findPart(
  uploads: UploadStore,
  { bucket, key, query }: S3Request,
): { readonly upload: Upload; readonly number: number } {
  const number = readPartNumber(query.get('partNumber') ?? '');
  return { upload: uploads.find(bucket, key, query.get('uploadId') ?? ''), number };
}

/** @throws S3Error InvalidArgument */
export function readPartNumber(text: string): number {
  const part = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (part < 1 || part > MAX_PART)
    throw new S3Error('InvalidArgument', 400, `A part's number must be 1 to ${MAX_PART}.`);
  return part;
}

/** The algorithm that a header names; null: it names none. @throws S3Error NotImplemented */
export function readAlgorithm(text: string | undefined): ChecksumAlgorithm | null {
  const named = text?.toUpperCase();
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === named) ?? null;
  if (named !== undefined && algorithm === null)
    throw new S3Error('NotImplemented', 501, `The checksum algorithm '${named.slice(0, 40)}' is not known here.`);
  return algorithm;
}

/** The types that S3 has for objects in parts; the first is meant where none is named. @see "Checking object integrity" of its user guide */
const TYPES: Readonly<Record<ChecksumAlgorithm, readonly ChecksumType[]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
};

function readChecksumChoice(headers: S3Request['headers']): Pick<Upload, 'algorithm' | 'checksumType'> {
  const algorithm = readAlgorithm(headers['x-amz-checksum-algorithm']);
  const named = headers['x-amz-checksum-type'];
  if (algorithm === null) {
    if (named === undefined) return { algorithm, checksumType: 'FULL_OBJECT' };
    throw new S3Error('InvalidRequest', 400, 'x-amz-checksum-type needs x-amz-checksum-algorithm beside it.');
  }
  const types = TYPES[algorithm];
  const checksumType = named === undefined ? types[0] : types.find((type) => type === named);
  if (checksumType === undefined)
    throw new S3Error('InvalidRequest', 400, `x-amz-checksum-type of ${algorithm} must be ${types.join(' or ')}.`);
  return { algorithm, checksumType };
}
