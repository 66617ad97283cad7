/** The list of all versions of all keys of a bucket. */
import { invalidList, NAMESPACE, readEncoding, readLimit } from './list-query.ts';
import type { ListEntry } from './listing.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing } from './receive.ts';
import type { S3Request } from './s3-request.ts';
import type { ListedVersion } from './version-marker.ts';
import { elements } from './xml.ts';

const OWNER = '<Owner><ID>slipway</ID><DisplayName>slipway</DisplayName></Owner>';

/** @throws S3Error InvalidArgument */
export async function listVersions(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, query, signal } = request;
  await receiveNothing(request);
  const limit = readLimit('max-keys', query.get('max-keys'));
  const encode = readEncoding(query.get('encoding-type'));
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const marker = { key: query.get('key-marker') ?? '', version: query.get('version-id-marker') ?? '' };
  if (marker.version !== '' && marker.key === '') throw invalidList('a version-id-marker needs a key-marker');
  // Behind a common prefix are the keys behind all that begin with it.
  const isPrefix = delimiter !== '' && marker.version === '' && marker.key.endsWith(delimiter);
  const after = isPrefix ? marker.key : '';
  const page = await store.listVersions(bucket, { prefix, delimiter, after, limit, marker }, signal);
  const last = page.entries.at(-1);
  const next = page.isTruncated && last !== undefined ? last : null;
  const heading = elements({
    Name: bucket,
    Prefix: encode(prefix),
    KeyMarker: encode(marker.key),
    VersionIdMarker: marker.version,
    NextKeyMarker: next === null ? null : encode(page.last ?? ''),
    NextVersionIdMarker: next !== null && 'object' in next ? next.object.version.version : null,
    Delimiter: query.has('delimiter') ? encode(delimiter) : null,
    MaxKeys: limit,
    EncodingType: query.get('encoding-type') ?? null,
    IsTruncated: page.isTruncated,
  });
  const entries = page.entries.map((entry) => entryXml(entry, encode));
  return `<ListVersionsResult ${NAMESPACE}>${heading}${entries.join('')}</ListVersionsResult>`;
}

function entryXml(entry: ListEntry<ListedVersion>, encode: (text: string) => string): string {
  if ('commonPrefix' in entry)
    return `<CommonPrefixes>${elements({ Prefix: encode(entry.commonPrefix) })}</CommonPrefixes>`;
  const { key, version, isLatest } = entry.object;
  const shared = elements({
    Key: encode(key),
    VersionId: version.version,
    IsLatest: isLatest,
    LastModified: new Date(version.modifiedAtMs).toISOString(),
  });
  if (version.kind === 'delete-marker') return `<DeleteMarker>${shared}${OWNER}</DeleteMarker>`;
  const facts = elements({ ETag: `"${version.eTag}"`, Size: version.sizeBytes, StorageClass: 'STANDARD' });
  return `<Version>${shared}${facts}${OWNER}</Version>`;
}
