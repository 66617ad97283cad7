/** Bundles in the server's own store belong to the application that their keys begin with: `APPLICATION/…`, as `slipway push` names them. Pure. */
import type { ApiError } from '../../protocol/errors.ts';
import type { Reach } from '../../protocol/management/key-scope.ts';
import type { ApiContext, Input } from './context.ts';
import { quote, readObject, readText } from './input.ts';

/**
 * Refuses a revision that is another application's bundle: deployed, it would be read by hosts of the caller's.
 *
 * @throws ApiError what `denied` makes
 */
export function refuseForeignBundles(
  { server }: Pick<ApiContext, 'server'>,
  reach: Reach,
  input: Input,
  denied: (bundle: string) => ApiError,
): void {
  const revision = readObject(input, 'revision');
  const location = revision === null ? null : readObject(revision, 's3Location');
  if (location === null) return;
  const [bucket, key] = [readText(location, 'bucket') ?? '', readText(location, 'key') ?? ''];
  if (!server.hasBucket(bucket)) return;
  if (bucket === server.revisionBucket && isOwnKey(reach, key)) return;
  throw denied(`the bundle ${quote(`s3://${bucket}/${key}`)}`);
}

function isOwnKey(reach: Reach, key: string): boolean {
  const slash = key.indexOf('/');
  return slash > 0 && reach.hasPartOf(key.slice(0, slash));
}
