/** Uploads in parts that become objects. */
import { checksumElements } from './checksum-headers.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './checksums.ts';
import { requireWritable } from './conditions.ts';
import { NAMESPACE } from './list-query.ts';
import type { ObjectStore } from './object-store.ts';
import { readPromise, readSize, receiveText } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { Upload } from './stored-upload.ts';
import type { ObjectVersion } from './stored-version.ts';
import { type CompletedPart, eTagOfParts, joinParts } from './upload-parts.ts';
import type { UploadStore } from './upload-store.ts';
import { readPartNumber } from './uploads.ts';
import { childText, elements, malformed, readXml, type XmlElement } from './xml.ts';

const MAX_PARTS = 10_000;

/**
 * Makes one object of an upload. A client that waits for too long asks again: it is then told of the object that its first request makes, or
 * has made.
 *
 * @returns the answer's XML
 */
export async function completeUpload(store: ObjectStore, uploads: UploadStore, request: S3Request): Promise<string> {
  const { bucket, key, query, response } = request;
  const parts = readParts(await receiveText(request));
  const uploadId = query.get('uploadId') ?? '';
  // The object's version is the upload's id. One that is no id is no upload's.
  if (/^[A-Za-z0-9]+$/.test(uploadId)) response.setHeader('x-amz-version-id', uploadId);
  request.mayTakeLong();
  const object = await uploads.oneAtATime(uploadId, async () => {
    // The request before this one may have taken minutes.
    await request.requireStillAllowed();
    const made = () => uploads.completed(bucket, key, uploadId, eTagOfParts(parts));
    try {
      return made() ?? (await complete(store, uploads, request, parts));
    } catch (error) {
      // Another server of the same folder may have completed it meanwhile, and then its parts are gone.
      const byOther = made();
      if (byOther === null) throw error;
      // Whoever has lost their power meanwhile is told of no object, whoever made it.
      await request.requireStillAllowed();
      return byOther;
    }
  });
  await request.noteChange([{ key, version: object.version }]);
  const result = elements({
    ...{ Location: `/${bucket}/${key}`, Bucket: bucket, Key: key, ETag: `"${object.eTag}"` },
    ...checksumElements(object),
  });
  return `<CompleteMultipartUploadResult ${NAMESPACE}>${result}</CompleteMultipartUploadResult>`;
}

async function complete(
  store: ObjectStore,
  uploads: UploadStore,
  request: S3Request,
  parts: readonly CompletedPart[],
): Promise<ObjectVersion> {
  const { bucket, key, query, headers } = request;
  const upload = uploads.find(bucket, key, query.get('uploadId') ?? '');
  requireWritable(headers, store.latest(bucket, key));
  requireType(headers['x-amz-checksum-type'], upload);
  const sizeBytes = readSize('x-amz-mp-object-size', headers['x-amz-mp-object-size']);
  const { algorithm, isInTrailer, value } = readPromise(headers);
  const promise = {
    sizeBytes,
    checksum: algorithm === null || isInTrailer || value === null ? null : { algorithm, value },
  };
  const whole = store.incoming();
  try {
    const facts = await joinParts(uploads, upload, parts, whole, promise, request.signal);
    await whole.settle();
    // That may have taken minutes.
    await request.requireStillAllowed();
    return await uploads.complete(upload, whole, facts, (latest) => requireWritable(headers, latest));
  } finally {
    await whole.discard();
  }
}

/** @throws S3Error InvalidRequest when the end of an upload names another type of checksum than its beginning */
function requireType(named: string | undefined, { checksumType }: Upload): void {
  if (named === undefined || named === checksumType) return;
  throw new S3Error('InvalidRequest', 400, `The checksum of this upload is of the type ${checksumType}.`);
}

function readParts(text: string): readonly CompletedPart[] {
  const list = readXml(text, 'CompleteMultipartUpload');
  for (const name of list.children.keys())
    if (name !== 'Part') throw malformed(`it has the element ${name.slice(0, 40)}`);
  const parts = list.children.get('Part') ?? [];
  if (parts.length === 0) throw malformed('it names no part');
  if (parts.length > MAX_PARTS) throw malformed(`it names more than ${MAX_PARTS} parts`);
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
