/**
 * The one gate of the revision store: which requests it understands. Pure.
 *
 * A request is understood when its method, its query names, and every header that could change its meaning stand in the table. All
 * others are answered with 501 and change nothing: a store that ignores what it does not know replaces a bundle by its tags.
 */
import { overridesMethod } from '../../protocol/method-override.ts';
import { CHECKSUM_ALGORITHMS, checksumHeader } from './checksums.ts';
import { S3Error } from './s3-error.ts';

/** What a request is about: the store itself, a bucket, or an object in it. */
export type Level = 'store' | 'bucket' | 'object';

export type OperationName =
  | 'ListBuckets'
  | 'CreateBucket'
  | 'HeadBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload';

interface Operation {
  readonly name: OperationName;
  readonly method: string;
  readonly level: Level;
  /** Query names that make a request one of these, with the value that each must have; null: any. */
  readonly chosenBy: Readonly<Record<string, string | null>>;
  /** Other query names that it may have. */
  readonly query: readonly string[];
  /** `x-amz-…` and conditional headers that it may have, beside those of all. */
  readonly headers: readonly string[];
  /** Whether it may bring `x-amz-meta-…`, which are kept. */
  readonly keepsMetadata: boolean;
  readonly changes: boolean;
}

const CHECKSUMS = CHECKSUM_ALGORITHMS.map(checksumHeader);
const UPLOADS = ['x-amz-trailer', 'x-amz-decoded-content-length'];
const KEPT = ['x-amz-acl', 'x-amz-storage-class'];
const READS = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];
const OVERRIDES = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type'];
const LISTS = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];

function operation(
  name: OperationName,
  method: string,
  level: Operation['level'],
  rest: Partial<Operation>,
): Operation {
  const changes = method !== 'GET' && method !== 'HEAD';
  return { name, method, level, chosenBy: {}, query: [], headers: [], keepsMetadata: false, changes, ...rest };
}

export const OPERATIONS: readonly Operation[] = [
  operation('ListBuckets', 'GET', 'store', {}),
  operation('CreateBucket', 'PUT', 'bucket', { headers: ['x-amz-acl'] }),
  operation('HeadBucket', 'HEAD', 'bucket', {}),
  operation('GetBucketLocation', 'GET', 'bucket', { chosenBy: { location: '' } }),
  operation('GetBucketVersioning', 'GET', 'bucket', { chosenBy: { versioning: '' } }),
  operation('ListObjects', 'GET', 'bucket', { query: [...LISTS, 'marker'] }),
  operation('ListObjectsV2', 'GET', 'bucket', {
    chosenBy: { 'list-type': '2' },
    query: [...LISTS, 'continuation-token', 'start-after', 'fetch-owner'],
  }),
  operation('GetObject', 'GET', 'object', {
    query: ['versionId', 'response-expires', ...OVERRIDES.map((name) => `response-${name}`)],
    headers: [...READS, 'x-amz-checksum-mode'],
  }),
  operation('HeadObject', 'HEAD', 'object', { query: ['versionId'], headers: [...READS, 'x-amz-checksum-mode'] }),
  operation('PutObject', 'PUT', 'object', {
    headers: [...UPLOADS, ...KEPT, 'if-match', 'if-none-match'],
    keepsMetadata: true,
  }),
  operation('DeleteObject', 'DELETE', 'object', { query: ['versionId'] }),
  operation('CreateMultipartUpload', 'POST', 'object', {
    chosenBy: { uploads: '' },
    headers: [...KEPT, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
    keepsMetadata: true,
  }),
  operation('UploadPart', 'PUT', 'object', { chosenBy: { uploadId: null, partNumber: null }, headers: UPLOADS }),
  operation('CompleteMultipartUpload', 'POST', 'object', {
    chosenBy: { uploadId: null },
    headers: ['x-amz-checksum-type', 'x-amz-mp-object-size', 'if-match', 'if-none-match'],
  }),
  operation('AbortMultipartUpload', 'DELETE', 'object', { chosenBy: { uploadId: null } }),
];

/** `x-amz-…` headers that belong to the signature or to the client, and change nothing. */
const HARMLESS = new Set(['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'x-amz-user-agent']);
/** Some clients promise the checksum of a body that is empty. It is held against that, as every promise. */
const OF_ANY_BODY = [...CHECKSUMS, 'x-amz-sdk-checksum-algorithm'];
/** Headers without `x-amz-` that change what a request means. */
const CONDITIONS = new Set([...READS, 'if-range', 'content-range']);
/** Headers of which one value asks for nothing that is not done anyway. */
const ONLY_VALUE: Readonly<Record<string, string>> = {
  'x-amz-acl': 'private',
  'x-amz-storage-class': 'STANDARD',
  'x-amz-checksum-mode': 'ENABLED',
};

const ON_LEVEL = { store: 'the store itself', bucket: 'a bucket', object: 'an object' };

export interface Understood {
  readonly name: OperationName;
  readonly changes: boolean;
}

/**
 * The operation that a request asks for.
 *
 * @param query as it was sent, decoded
 * @param headers names in lower case
 * @throws S3Error NotImplemented, naming what is not understood
 */
export function understand(request: {
  readonly method: string;
  readonly level: Level;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}): Understood {
  const { method, level, query, headers } = request;
  const candidates = OPERATIONS.filter((one) => one.method === method && one.level === level);
  const chosen = candidates
    .filter(({ chosenBy }) => Object.entries(chosenBy).every(([name, value]) => isGiven(query, name, value)))
    .sort((a, b) => Object.keys(b.chosenBy).length - Object.keys(a.chosenBy).length)[0];
  const what = `${method} on ${ON_LEVEL[level]}`;
  if (chosen === undefined) throw notImplemented(`${what}${namesOf(query)}`);
  for (const [name, value] of query) {
    const isOwn = Object.hasOwn(chosen.chosenBy, name) || chosen.query.includes(name);
    // What SDKs add so that logs show the operation.
    if (!isOwn && !(name === 'x-id' && value === chosen.name)) throw notImplemented(`${what} with '?${name}'`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (overridesMethod(name)) throw notImplemented(`${what} with the header ${name}`);
    if (!(name.startsWith('x-amz-') || CONDITIONS.has(name)) || HARMLESS.has(name)) continue;
    const isKept = chosen.keepsMetadata && name.startsWith('x-amz-meta-');
    const isKnown = chosen.headers.includes(name) || OF_ANY_BODY.includes(name);
    if (!isKept && !isKnown) throw notImplemented(`${chosen.name} with the header ${name}`);
    if (Object.hasOwn(ONLY_VALUE, name) && ONLY_VALUE[name] !== value)
      throw notImplemented(`${chosen.name} with the header ${name}: ${value}`);
  }
  return { name: chosen.name, changes: chosen.changes };
}

function isGiven(query: ReadonlyMap<string, string>, name: string, value: string | null): boolean {
  const given = query.get(name);
  return given !== undefined && (value === null || given === value);
}

function namesOf(query: ReadonlyMap<string, string>): string {
  return query.size === 0 ? '' : ` with ${[...query.keys()].map((name) => `'?${name}'`).join(', ')}`;
}

function notImplemented(what: string): S3Error {
  const shown = what.length > 300 ? `${what.slice(0, 300)}…` : what;
  return new S3Error('NotImplemented', 501, `The revision store does not know ${shown}. Nothing was changed.`);
}
