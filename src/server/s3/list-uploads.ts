/** Lists of uploads that are not complete, and of the parts that one has so far. */
import { partChecksumElements } from './checksum-headers.ts';
import { invalidList, NAMESPACE, readEncoding, readLimit } from './list-query.ts';
import { compareKeys, type ListEntry, listPage } from './listing.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing } from './receive.ts';
import type { S3Request } from './s3-request.ts';
import type { Upload } from './stored-upload.ts';
import type { UploadStore } from './upload-store.ts';
import { elements } from './xml.ts';

const PEOPLE = ['Initiator', 'Owner']
  .map((who) => `<${who}><ID>slipway</ID><DisplayName>slipway</DisplayName></${who}>`)
  .join('');

/** @returns the answer's XML @throws S3Error InvalidArgument */
export async function listUploads(store: ObjectStore, uploads: UploadStore, request: S3Request): Promise<string> {
  const { bucket, query, signal } = request;
  await receiveNothing(request);
  store.requireBucket(bucket);
  const limit = readLimit('max-uploads', query.get('max-uploads'));
  const encode = readEncoding(query.get('encoding-type'));
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const marker = { key: query.get('key-marker') ?? '', uploadId: query.get('upload-id-marker') ?? '' };
  const behind = behindMarker(await uploads.list(bucket, signal), marker);
  const isPrefix = delimiter !== '' && marker.uploadId === '' && marker.key.endsWith(delimiter);
  const after = isPrefix ? marker.key : '';
  const page = listPage(behind, { prefix, delimiter, after, limit });
  const last = page.entries.at(-1);
  const next = page.isTruncated && last !== undefined ? last : null;
  const heading = elements({
    Bucket: bucket,
    KeyMarker: encode(marker.key),
    UploadIdMarker: marker.uploadId,
    NextKeyMarker: next === null ? null : encode(page.last ?? ''),
    NextUploadIdMarker: next !== null && 'object' in next ? next.object.uploadId : null,
    Prefix: encode(prefix),
    Delimiter: query.has('delimiter') ? encode(delimiter) : null,
    MaxUploads: limit,
    EncodingType: query.get('encoding-type') ?? null,
    IsTruncated: page.isTruncated,
  });
  const entries = page.entries.map((entry) => entryXml(entry, encode));
  return `<ListMultipartUploadsResult ${NAMESPACE}>${heading}${entries.join('')}</ListMultipartUploadsResult>`;
}

/** @returns the answer's XML @throws S3Error NoSuchUpload, InvalidArgument */
export async function listParts(uploads: UploadStore, request: S3Request): Promise<string> {
  const { bucket, key, query, signal } = request;
  await receiveNothing(request);
  const upload = uploads.find(bucket, key, query.get('uploadId') ?? '');
  const limit = readLimit('max-parts', query.get('max-parts'));
  const marker = query.get('part-number-marker') ?? '';
  if (!/^\d{0,5}$/.test(marker)) throw invalidList('part-number-marker must be the number of a part');
  const parts = (await uploads.parts(upload, signal)).filter(({ number }) => number > Number(marker));
  const page = parts.slice(0, limit);
  const isTruncated = limit > 0 && parts.length > page.length;
  const heading = elements({
    ...{ Bucket: bucket, Key: key, UploadId: upload.uploadId, StorageClass: 'STANDARD' },
    PartNumberMarker: marker === '' ? 0 : Number(marker),
    NextPartNumberMarker: isTruncated ? (page.at(-1)?.number ?? null) : null,
    MaxParts: limit,
    IsTruncated: isTruncated,
    ChecksumAlgorithm: upload.algorithm,
    ChecksumType: upload.algorithm === null ? null : upload.checksumType,
  });
  const entries = page.map(({ number, md5, sizeBytes, modifiedAtMs, checksums }) => {
    const facts = { PartNumber: number, LastModified: new Date(modifiedAtMs).toISOString(), ETag: `"${md5}"` };
    return `<Part>${elements({ ...facts, Size: sizeBytes, ...partChecksumElements(checksums) })}</Part>`;
  });
  return `<ListPartsResult ${NAMESPACE}>${heading}${PEOPLE}${entries.join('')}</ListPartsResult>`;
}

/** @param marker an empty upload: behind all uploads of the key; one that is over meanwhile: all of the key that are left */
function behindMarker(
  uploads: readonly Upload[],
  marker: { readonly key: string; readonly uploadId: string },
): readonly Upload[] {
  if (marker.key === '') return uploads;
  const same = uploads.filter(({ key }) => key === marker.key);
  const at = same.findIndex(({ uploadId }) => uploadId === marker.uploadId);
  const left = marker.uploadId === '' ? [] : same.slice(at + 1);
  return [...left, ...uploads.filter(({ key }) => compareKeys(key, marker.key) > 0)];
}

function entryXml(entry: ListEntry<Upload>, encode: (text: string) => string): string {
  if ('commonPrefix' in entry)
    return `<CommonPrefixes>${elements({ Prefix: encode(entry.commonPrefix) })}</CommonPrefixes>`;
  const { key, uploadId, startedAtMs, algorithm, checksumType } = entry.object;
  const facts = elements({ Key: encode(key), UploadId: uploadId });
  const rest = elements({
    ...{ StorageClass: 'STANDARD', Initiated: new Date(startedAtMs).toISOString(), ChecksumAlgorithm: algorithm },
    ChecksumType: algorithm === null ? null : checksumType,
  });
  return `<Upload>${facts}${PEOPLE}${rest}</Upload>`;
}
