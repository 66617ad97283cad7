/** The tags of an object, or of one of its versions. */
import type { ObjectStore } from './object-store.ts';
import { receiveNothing, receiveText } from './receive.ts';
import type { S3Request } from './s3-request.ts';
import { tagsOfXml, tagsXml } from './tags.ts';

/** @returns the answer's XML */
export async function getTagging(store: ObjectStore, request: S3Request): Promise<string> {
  const { bucket, key, query, response } = request;
  await receiveNothing(request);
  const { object } = store.find(bucket, key, query.get('versionId') ?? null);
  response.setHeader('x-amz-version-id', object.version);
  return tagsXml(object.tags);
}

export async function putTagging(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  const tags = tagsOfXml(await receiveText(request));
  const { version } = await store.tag(bucket, key, query.get('versionId') ?? null, tags);
  await request.noteChange([{ key, version }]);
  response.setHeader('x-amz-version-id', version);
  response.end();
}

export async function deleteTagging(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, response } = request;
  await receiveNothing(request);
  const { version } = await store.tag(bucket, key, query.get('versionId') ?? null, []);
  await request.noteChange([{ key, version }]);
  response.setHeader('x-amz-version-id', version);
  response.statusCode = 204;
  response.end();
}
