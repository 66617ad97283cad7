/** GetObjectAttributes: what is known of an object, by name. */
import { partChecksumElements } from './checksum-headers.ts';
import { NAMESPACE } from './list-query.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { ObjectVersion } from './stored-version.ts';
import { elements } from './xml.ts';

const ATTRIBUTES: Readonly<Record<string, (object: ObjectVersion) => string>> = {
  ETag: ({ eTag }) => elements({ ETag: eTag }),
  Checksum: ({ checksums, checksumType }) => {
    const known = partChecksumElements(checksums);
    if (Object.keys(known).length === 0) return '';
    return `<Checksum>${elements({ ...known, ChecksumType: checksumType })}</Checksum>`;
  },
  // Parts are not told apart any more once they are one object.
  ObjectParts: ({ eTag }) => {
    const parts = /-(\d+)$/.exec(eTag)?.[1];
    return parts === undefined ? '' : `<ObjectParts>${elements({ PartsCount: parts })}</ObjectParts>`;
  },
  StorageClass: () => elements({ StorageClass: 'STANDARD' }),
  ObjectSize: ({ sizeBytes }) => elements({ ObjectSize: sizeBytes }),
};

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
  const said = Object.entries(ATTRIBUTES).map(([name, say]) => (names.includes(name) ? say(object) : ''));
  return `<GetObjectAttributesResponse ${NAMESPACE}>${said.join('')}</GetObjectAttributesResponse>`;
}
