/** Operations on a bucket as a whole. */
import { invalidList, NAMESPACE, readEncoding, readLimit } from './list-query.ts';
import type { ListEntry } from './listing.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing, receiveText } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { ObjectVersion } from './stored-version.ts';
import { elements, readXml } from './xml.ts';

/** A body may say where the bucket is to be, which makes no difference here; anything else is an object that lost its way. */
export async function createBucket(store: ObjectStore, request: S3Request): Promise<void> {
  const type = request.headers['content-type'] ?? '';
  if (type !== '' && !/^(application\/xml|text\/xml|application\/octet-stream|binary\/octet-stream)\b/.test(type))
    throw new S3Error(
      'NotImplemented',
      501,
      `A bucket has no content type '${type.slice(0, 100)}'. An object needs a bucket and a key in its path. Nothing was changed.`,
    );
  const text = await receiveText(request);
  if (text !== '') readXml(text, 'CreateBucketConfiguration');
  store.createBucket(request.bucket);
  await request.noteChange([]);
  request.response.setHeader('location', `/${request.bucket}`);
  request.response.end();
}

/** Only an empty one goes; versions that are not the latest count, too. */
export async function deleteBucket(store: ObjectStore, request: S3Request): Promise<void> {
  await receiveNothing(request);
  store.deleteBucket(request.bucket);
  await request.noteChange([]);
  request.response.statusCode = 204;
  request.response.end();
}

/** There are few, so that all of them are one answer. */
export function listBuckets(store: ObjectStore, accountId: string): string {
  const buckets = store.listBuckets().map(({ name, createdMs }) => {
    return `<Bucket>${elements({ Name: name, CreationDate: new Date(createdMs).toISOString() })}</Bucket>`;
  });
  const owner = `<Owner>${elements({ ID: accountId, DisplayName: 'slipway' })}</Owner>`;
  return `<ListAllMyBucketsResult ${NAMESPACE}>${owner}<Buckets>${buckets.join('')}</Buckets></ListAllMyBucketsResult>`;
}

export function bucketLocation(): string {
  return `<LocationConstraint ${NAMESPACE}/>`;
}

export function bucketVersioning(): string {
  return `<VersioningConfiguration ${NAMESPACE}><Status>Enabled</Status></VersioningConfiguration>`;
}

/** One page of the objects in a bucket, as version 1 or 2 of the operation shows it. @throws S3Error InvalidArgument */
export async function listObjects(store: ObjectStore, request: S3Request, version: 1 | 2): Promise<string> {
  const { bucket, query, signal } = request;
  await receiveNothing(request);
  const limit = readLimit('max-keys', query.get('max-keys'));
  const encode = readEncoding(query.get('encoding-type'));
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const begin = version === 1 ? (query.get('marker') ?? '') : (query.get('start-after') ?? '');
  const after = token === undefined ? begin : readToken(token);
  const page = await store.list(bucket, { prefix, delimiter, after, limit }, signal);
  const next = page.isTruncated ? page.last : null;
  const given = (name: string) => (query.has(name) ? encode(query.get(name) ?? '') : null);
  const heading =
    version === 1
      ? { Marker: encode(begin), NextMarker: next === null || delimiter === '' ? null : encode(next) }
      : {
          KeyCount: page.entries.length,
          ContinuationToken: token ?? null,
          NextContinuationToken: next === null ? null : Buffer.from(next).toString('base64url'),
          StartAfter: given('start-after'),
        };
  const shared = {
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: given('delimiter'),
    MaxKeys: limit,
    EncodingType: query.get('encoding-type') ?? null,
    IsTruncated: page.isTruncated,
  };
  const withOwner = version === 1 || query.get('fetch-owner') === 'true';
  const entries = page.entries.map((entry) => entryXml(entry, encode, withOwner));
  return `<ListBucketResult ${NAMESPACE}>${elements({ ...shared, ...heading })}${entries.join('')}</ListBucketResult>`;
}

function entryXml(entry: ListEntry<ObjectVersion>, encode: (text: string) => string, withOwner: boolean): string {
  if ('commonPrefix' in entry)
    return `<CommonPrefixes>${elements({ Prefix: encode(entry.commonPrefix) })}</CommonPrefixes>`;
  const { key, modifiedAtMs, eTag, sizeBytes } = entry.object;
  const facts = elements({
    Key: encode(key),
    LastModified: new Date(modifiedAtMs).toISOString(),
    ETag: `"${eTag}"`,
    Size: sizeBytes,
  });
  const owner = withOwner ? '<Owner><ID>slipway</ID><DisplayName>slipway</DisplayName></Owner>' : '';
  return `<Contents>${facts}${owner}<StorageClass>STANDARD</StorageClass></Contents>`;
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (token === '' || Buffer.from(text).toString('base64url') !== token)
    throw invalidList('the continuation-token is none that this server has given');
  return text;
}
