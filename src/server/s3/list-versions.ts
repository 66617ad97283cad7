/** The list of all versions of all keys of a bucket. */
import { invalidList, NAMESPACE, readEncoding, readLimit } from './list-query.ts';
import { compareKeys, type ListEntry, listPage } from './listing.ts';
import type { ListedVersion, ObjectStore } from './object-store.ts';
import { receiveNothing } from './receive.ts';
import type { S3Request } from './s3-request.ts';
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
  const behind = behindMarker(await store.listVersions(bucket, signal), marker);
  // Behind a common prefix are the keys behind all that begin with it.
  const isPrefix = delimiter !== '' && marker.version === '' && marker.key.endsWith(delimiter);
  const after = isPrefix ? marker.key : '';
  const page = listPage(behind, { prefix, delimiter, after, limit });
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

/**
 * The versions that come behind a marker.
 *
 * @param versions in order
 * @param marker an empty version: behind all versions of the key; one that was removed meanwhile: all of the key that are left
 */
export function behindMarker(
  versions: readonly ListedVersion[],
  marker: { readonly key: string; readonly version: string },
): readonly ListedVersion[] {
  if (marker.key === '') return versions;
  const same = versions.filter(({ key }) => key === marker.key);
  const at = same.findIndex(({ version }) => version.version === marker.version);
  const left = marker.version === '' ? [] : same.slice(at + 1);
  return [...left, ...versions.filter(({ key }) => compareKeys(key, marker.key) > 0)];
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
