/** Handlers of the revision store's operations. */
import { getAttributes } from './attributes.ts';
import { bucketLocation, bucketVersioning, createBucket, deleteBucket, listBuckets, listObjects } from './buckets.ts';
import { completeUpload } from './complete-upload.ts';
import { copyObject, copyPart } from './copies.ts';
import { deleteObject, deleteObjects } from './delete-objects.ts';
import { listParts, listUploads } from './list-uploads.ts';
import { listVersions } from './list-versions.ts';
import type { ObjectStore } from './object-store.ts';
import { putObject, type RequireReadable, sendObject } from './objects.ts';
import type { OperationName } from './operations.ts';
import { receiveNothing } from './receive.ts';
import type { S3Request } from './s3-request.ts';
import { deleteTagging, getTagging, putTagging } from './tagging.ts';
import type { UploadStore } from './upload-store.ts';
import { abortUpload, createUpload, uploadPart } from './uploads.ts';
import { xmlText } from './xml.ts';

/** Tools that operations work with. */
export interface Handling {
  readonly store: ObjectStore;
  readonly uploads: UploadStore;
  /** Owner of the buckets in lists. */
  readonly accountId: string;
  readonly requireReadable: RequireReadable;
}

type Handler = (on: Handling, request: S3Request) => Promise<void>;

/** Carries out an operation that the gate has understood, and answers. @throws S3Error */
export async function handle(on: Handling, name: OperationName, request: S3Request): Promise<void> {
  await HANDLERS[name](on, request);
}

const HANDLERS: Readonly<Record<OperationName, Handler>> = {
  ListBuckets: answeredByXml(async ({ store, accountId }, request) => {
    await receiveNothing(request);
    return listBuckets(store, accountId);
  }),
  CreateBucket: ({ store }, request) => createBucket(store, request),
  DeleteBucket: ({ store }, request) => deleteBucket(store, request),
  HeadBucket: async (_, request) => {
    await receiveNothing(request);
    request.response.end();
  },
  GetBucketLocation: answeredByXml(async (_, request) => {
    await receiveNothing(request);
    return bucketLocation();
  }),
  GetBucketVersioning: answeredByXml(async (_, request) => {
    await receiveNothing(request);
    return bucketVersioning();
  }),
  ListObjects: answeredByXml(({ store }, request) => listObjects(store, request, 1)),
  ListObjectsV2: answeredByXml(({ store }, request) => listObjects(store, request, 2)),
  ListObjectVersions: answeredByXml(({ store }, request) => listVersions(store, request)),
  ListMultipartUploads: answeredByXml(({ store, uploads }, request) => listUploads(store, uploads, request)),
  DeleteObjects: answeredByXml(({ store }, request) => deleteObjects(store, request)),
  GetObject: ({ store, requireReadable }, request) => sendObject(store, request, requireReadable),
  HeadObject: ({ store, requireReadable }, request) => sendObject(store, request, requireReadable),
  GetObjectAttributes: answeredByXml(({ store }, request) => getAttributes(store, request)),
  GetObjectTagging: answeredByXml(({ store }, request) => getTagging(store, request)),
  PutObjectTagging: ({ store }, request) => putTagging(store, request),
  DeleteObjectTagging: ({ store }, request) => deleteTagging(store, request),
  PutObject: ({ store }, request) => putObject(store, request),
  CopyObject: answeredByXml(({ store }, request) => copyObject(store, request)),
  DeleteObject: ({ store }, request) => deleteObject(store, request),
  CreateMultipartUpload: answeredByXml(({ uploads }, request) => createUpload(uploads, request)),
  ListParts: answeredByXml(({ uploads }, request) => listParts(uploads, request)),
  UploadPart: ({ store, uploads }, request) => uploadPart(store, uploads, request),
  UploadPartCopy: answeredByXml(({ store, uploads }, request) => copyPart(store, uploads, request)),
  CompleteMultipartUpload: answeredByXml(({ store, uploads }, request) => completeUpload(store, uploads, request)),
  AbortMultipartUpload: ({ uploads }, request) => abortUpload(uploads, request),
};

function answeredByXml(answer: (on: Handling, request: S3Request) => Promise<string>): Handler {
  return async (on, request) => {
    const { response } = request;
    const element = await answer(on, request);
    // The head went when the answer took long.
    if (response.headersSent) {
      response.end(element);
      return;
    }
    const body = xmlText(element);
    response.setHeader('content-type', 'application/xml');
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
  };
}
