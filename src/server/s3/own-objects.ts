/**
 * Rights in the revision store of a key that is limited to some applications. An application's bundles are the objects whose keys begin
 * with its name, `APPLICATION/…`, in the bucket that `slipway push` uses. Pure.
 */
import { describeScope, reachOf } from '../../protocol/management/key-scope.ts';
import { readCopySource } from './copy-source.ts';
import type { OperationName } from './operations.ts';
import { S3Error } from './s3-error.ts';
import type { S3Caller, S3Request } from './s3-request.ts';

/** Operations on a bucket that are about the keys that their prefix names. */
const LISTS: ReadonlySet<OperationName> = new Set([
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
  'ListMultipartUploads',
]);
/** Operations that tell nothing of the bucket's content. DeleteObjects names its objects in its body, and each is checked by itself. */
const OPEN: ReadonlySet<OperationName> = new Set([
  'HeadBucket',
  'GetBucketLocation',
  'GetBucketVersioning',
  'DeleteObjects',
]);

interface StoreRequest extends Pick<S3Request, 'bucket' | 'key' | 'query' | 'headers'> {
  readonly caller: S3Caller;
}

/**
 * @param buckets whose keys begin with the names of applications
 * @throws S3Error AccessDenied, naming what the key may do
 */
export function requireOwnObjects(name: OperationName, request: StoreRequest, buckets: readonly string[]): void {
  const { caller, bucket, key, query, headers } = request;
  if (caller.scope === null) return;
  const own = (ofBucket: string, ofKey: string) =>
    requireOwnKey(name, caller, { bucket: ofBucket, key: ofKey }, buckets);
  const source = headers['x-amz-copy-source'];
  if (source !== undefined) {
    const named = readCopySource(source);
    own(named.bucket, named.key);
  }
  if (key !== '') own(bucket, key);
  else if (LISTS.has(name)) own(bucket, query.get('prefix') ?? '');
  else if (!OPEN.has(name) || !buckets.includes(bucket))
    throw denied(name, caller, bucket === '' ? 'the store' : bucket);
}

/** The same for one object. @throws S3Error AccessDenied */
export function requireOwnKey(
  name: OperationName,
  caller: S3Caller,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  buckets: readonly string[],
): void {
  if (caller.scope === null) return;
  const slash = key.indexOf('/');
  if (slash > 0 && buckets.includes(bucket) && reachOf(caller.scope).hasPartOf(key.slice(0, slash))) return;
  throw denied(name, caller, `${bucket}/${key.slice(0, 100)}`);
}

function denied(name: OperationName, { accessKeyId, scope }: S3Caller, what: string): S3Error {
  const limit = scope === null ? '' : ` It is limited to ${describeScope(scope)}: its keys are APPLICATION/…`;
  return new S3Error('AccessDenied', 403, `The key ${accessKeyId} may not call ${name} on ${what}.${limit}`);
}
