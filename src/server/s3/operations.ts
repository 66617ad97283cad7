/** The operations that the revision store understands, and how each is told from the others. Pure. */
import { CHECKSUM_ALGORITHMS, checksumHeader } from './checksums.ts';

/** Subject of a request: the store itself, a bucket, or an object in it. */
export type Level = 'store' | 'bucket' | 'object';

interface Form {
  readonly method: string;
  readonly level: Level;
  /** Query names that make a request one of these, with the value that each must have; null: any. */
  readonly chosenBy: Readonly<Record<string, string | null>>;
  /** A header that makes a request one of these; null: none. */
  readonly chosenByHeader: string | null;
  /** Other query names that it may have. */
  readonly query: readonly string[];
  /** `x-amz-…` and conditional headers that it may have, beside those of all. */
  readonly headers: readonly string[];
  /** Whether it may bring `x-amz-meta-…`, which are kept. */
  readonly keepsMetadata: boolean;
  readonly changes: boolean;
}

export interface Operation extends Form {
  readonly name: OperationName;
}

export const CHECKSUMS = CHECKSUM_ALGORITHMS.map(checksumHeader);
export const READS = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];
const WRITES = ['if-match', 'if-none-match'];
const UPLOADS = ['x-amz-trailer', 'x-amz-decoded-content-length'];
const KEPT = ['x-amz-acl', 'x-amz-storage-class', 'x-amz-tagging'];
const OVERRIDES = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type'];
const LISTS = ['prefix', 'delimiter', 'encoding-type'];
const COPY_SOURCE = 'x-amz-copy-source';
const COPY_CONDITIONS = ['match', 'none-match', 'modified-since', 'unmodified-since'].map(
  (condition) => `${COPY_SOURCE}-if-${condition}`,
);
const DIRECTIVES = ['x-amz-metadata-directive', 'x-amz-tagging-directive', 'x-amz-checksum-algorithm'];

type Rest = Partial<Omit<Form, 'method' | 'level' | 'changes'>>;

function operation<Name extends string>(
  name: Name,
  method: string,
  level: Level,
  rest: Rest = {},
): Form & { readonly name: Name } {
  const changes = method !== 'GET' && method !== 'HEAD';
  const nothing = { chosenBy: {}, chosenByHeader: null, query: [], headers: [], keepsMetadata: false };
  return { name, method, level, changes, ...nothing, ...rest };
}

const TABLE = [
  operation('ListBuckets', 'GET', 'store'),
  operation('CreateBucket', 'PUT', 'bucket', { headers: ['x-amz-acl'] }),
  operation('DeleteBucket', 'DELETE', 'bucket'),
  operation('HeadBucket', 'HEAD', 'bucket'),
  operation('GetBucketLocation', 'GET', 'bucket', { chosenBy: { location: '' } }),
  operation('GetBucketVersioning', 'GET', 'bucket', { chosenBy: { versioning: '' } }),
  operation('ListObjects', 'GET', 'bucket', { query: [...LISTS, 'max-keys', 'marker'] }),
  operation('ListObjectsV2', 'GET', 'bucket', {
    chosenBy: { 'list-type': '2' },
    query: [...LISTS, 'max-keys', 'continuation-token', 'start-after', 'fetch-owner'],
  }),
  operation('ListObjectVersions', 'GET', 'bucket', {
    chosenBy: { versions: '' },
    query: [...LISTS, 'max-keys', 'key-marker', 'version-id-marker'],
  }),
  operation('ListMultipartUploads', 'GET', 'bucket', {
    chosenBy: { uploads: '' },
    query: [...LISTS, 'max-uploads', 'key-marker', 'upload-id-marker'],
  }),
  operation('DeleteObjects', 'POST', 'bucket', { chosenBy: { delete: '' }, headers: UPLOADS }),
  operation('GetObject', 'GET', 'object', {
    query: ['versionId', 'partNumber', 'response-expires', ...OVERRIDES.map((name) => `response-${name}`)],
    headers: [...READS, 'x-amz-checksum-mode', 'x-amz-te'],
  }),
  operation('HeadObject', 'HEAD', 'object', {
    query: ['versionId', 'partNumber'],
    headers: [...READS, 'x-amz-checksum-mode'],
  }),
  operation('GetObjectAttributes', 'GET', 'object', {
    chosenBy: { attributes: '' },
    query: ['versionId'],
    headers: ['x-amz-object-attributes', 'x-amz-max-parts', 'x-amz-part-number-marker'],
  }),
  operation('GetObjectTagging', 'GET', 'object', { chosenBy: { tagging: '' }, query: ['versionId'] }),
  operation('PutObjectTagging', 'PUT', 'object', {
    chosenBy: { tagging: '' },
    query: ['versionId'],
    headers: UPLOADS,
  }),
  operation('DeleteObjectTagging', 'DELETE', 'object', { chosenBy: { tagging: '' }, query: ['versionId'] }),
  operation('PutObject', 'PUT', 'object', { headers: [...UPLOADS, ...KEPT, ...WRITES], keepsMetadata: true }),
  operation('CopyObject', 'PUT', 'object', {
    chosenByHeader: COPY_SOURCE,
    headers: [...COPY_CONDITIONS, ...DIRECTIVES, ...KEPT, ...WRITES],
    keepsMetadata: true,
  }),
  operation('DeleteObject', 'DELETE', 'object', { query: ['versionId'], headers: ['if-match'] }),
  operation('CreateMultipartUpload', 'POST', 'object', {
    chosenBy: { uploads: '' },
    headers: [...KEPT, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
    keepsMetadata: true,
  }),
  operation('ListParts', 'GET', 'object', {
    chosenBy: { uploadId: null },
    query: ['max-parts', 'part-number-marker'],
  }),
  operation('UploadPart', 'PUT', 'object', { chosenBy: { uploadId: null, partNumber: null }, headers: UPLOADS }),
  operation('UploadPartCopy', 'PUT', 'object', {
    chosenBy: { uploadId: null, partNumber: null },
    chosenByHeader: COPY_SOURCE,
    headers: [...COPY_CONDITIONS, `${COPY_SOURCE}-range`],
  }),
  operation('CompleteMultipartUpload', 'POST', 'object', {
    chosenBy: { uploadId: null },
    headers: ['x-amz-checksum-type', 'x-amz-mp-object-size', ...WRITES],
  }),
  operation('AbortMultipartUpload', 'DELETE', 'object', { chosenBy: { uploadId: null } }),
];

export type OperationName = (typeof TABLE)[number]['name'];

export const OPERATIONS: readonly Operation[] = TABLE;
