/** GetObjectAttributes: what is known of an object, by name. */
import { partChecksumElements } from './checksum-headers.ts';
import { invalidList, NAMESPACE, readLimit } from './list-query.ts';
import { partsCountOf, sizesOf } from './object-parts.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { ObjectVersion } from './stored-version.ts';
import { elements } from './xml.ts';

type Say = (object: ObjectVersion, headers: S3Request['headers']) => string;

const ATTRIBUTES: Readonly<Record<string, Say>> = {
  ETag: ({ eTag }) => elements({ ETag: eTag }),
  Checksum: ({ checksums, checksumType }) => {
    const known = partChecksumElements(checksums);
    if (Object.keys(known).length === 0) return '';
    return `<Checksum>${elements({ ...known, ChecksumType: checksumType })}</Checksum>`;
  },
  ObjectParts: partsOf,
  StorageClass: () => elements({ StorageClass: 'STANDARD' }),
  ObjectSize: ({ sizeBytes }) => elements({ ObjectSize: sizeBytes }),
};

/** One page of the parts; only their number, if an earlier server took the object. @throws S3Error InvalidArgument */
function partsOf({ eTag, parts }: ObjectVersion, headers: S3Request['headers']): string {
  const limit = readLimit('x-amz-max-parts', headers['x-amz-max-parts']);
  const marker = headers['x-amz-part-number-marker'] ?? '0';
  if (!/^\d{1,5}$/.test(marker)) throw invalidList('x-amz-part-number-marker must be the number of a part');
  const count = partsCountOf(eTag);
  if (count === null) return '';
  const from = Number(marker);
  const page = sizesOf(parts).slice(from, from + limit);
  const isTruncated = page.length > 0 && from + page.length < count;
  const listed = page.map((Size, index) => `<Part>${elements({ PartNumber: from + index + 1, Size })}</Part>`);
  const paging =
    parts.length === 0
      ? {}
      : {
          PartNumberMarker: from,
          NextPartNumberMarker: isTruncated ? from + page.length : null,
          MaxParts: limit,
          IsTruncated: isTruncated,
        };
  return `<ObjectParts>${elements({ PartsCount: count, ...paging })}${listed.join('')}</ObjectParts>`;
}

/** @returns the answer's XML @throws S3Error InvalidArgument for an attribute that S3 does not have */
export async function getAttributes(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, key, query, headers, response } = request;
  await receiveNothing(request);
  const names = (headers['x-amz-object-attributes'] ?? '').split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(ATTRIBUTES, name));
  if (unknown !== undefined)
    throw new S3Error(
      'InvalidArgument',
      400,
      `x-amz-object-attributes has '${unknown.slice(0, 40)}'; it may name ${Object.keys(ATTRIBUTES).join(', ')}.`,
    );
  const { object } = store.find(bucket, key, query.get('versionId') ?? null);
  response.setHeader('x-amz-version-id', object.version);
  response.setHeader('last-modified', new Date(object.modifiedAtMs).toUTCString());
  const said = Object.entries(ATTRIBUTES).map(([name, say]) => (names.includes(name) ? say(object, headers) : ''));
  return `<GetObjectAttributesResponse ${NAMESPACE}>${said.join('')}</GetObjectAttributesResponse>`;
}
