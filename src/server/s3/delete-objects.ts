/** Objects that are removed: hidden behind a delete marker, or one version for good. */
import { requireWritable } from './conditions.ts';
import { NAMESPACE } from './list-query.ts';
import type { ObjectStore } from './object-store.ts';
import { receiveNothing, receiveText } from './receive.ts';
import { S3Error } from './s3-error.ts';
import type { ChangedObject, S3Request } from './s3-request.ts';
import type { ObjectVersion } from './stored-version.ts';
import { childText, elements, malformed, readXml, type XmlElement } from './xml.ts';

const MAX_OBJECTS = 1000;
/** Objects that are removed at the same time, so that waits for the disk overlap. */
const TOGETHER = 16;
/** Longer is no key; bytes. */
const MAX_KEY_BYTES = 1024;

interface Wish {
  readonly key: string;
  /** null: the key is hidden. */
  readonly version: string | null;
  /** ETag that the object must have; null: any. */
  readonly eTag: string | null;
}

interface Removed {
  readonly isMarker: boolean;
  /** The marker that was made or removed, or the version that was removed; null: there was nothing. */
  readonly version: string | null;
}

export async function deleteObject(store: ObjectStore, request: S3Request): Promise<void> {
  const { bucket, key, query, headers, response } = request;
  await receiveNothing(request);
  const wish = { key, version: query.get('versionId') ?? null, eTag: headers['if-match'] ?? null };
  const { isMarker, version } = await carryOut(store, bucket, wish);
  await request.noteChange([{ key, version }]);
  if (version !== null) response.setHeader('x-amz-version-id', version);
  if (isMarker) response.setHeader('x-amz-delete-marker', 'true');
  response.statusCode = 204;
  response.end();
}

/** Removes up to 1 000 objects, each for itself: one that cannot be removed keeps no other. @returns the answer's XML */
export async function deleteObjects(store: ObjectStore, request: S3Request): Promise<string> {
  const { signal } = request;
  const { wishes, isQuiet } = readWishes(await receiveText(request));
  const answers: string[] = [];
  const changed: ChangedObject[] = [];
  try {
    for (let at = 0; at < wishes.length; at += TOGETHER) {
      signal.throwIfAborted();
      const some = wishes.slice(at, at + TOGETHER);
      const outcomes = await Promise.allSettled(some.map((wish) => outcome(store, request, wish, isQuiet, changed)));
      for (const one of outcomes) {
        if (one.status === 'rejected') throw one.reason;
        answers.push(one.value);
      }
    }
  } finally {
    // What was removed before a fault, or before the key lost its power, stays removed.
    if (changed.length > 0) await request.noteChange(changed);
  }
  return `<DeleteResult ${NAMESPACE}>${answers.join('')}</DeleteResult>`;
}

/** @param changed gets what was removed @returns an element of the answer; empty: nothing is to be said */
async function outcome(
  store: ObjectStore,
  { bucket, requireOwnKey }: Pick<S3Request, 'bucket' | 'requireOwnKey'>,
  wish: Wish,
  isQuiet: boolean,
  changed: ChangedObject[],
): Promise<string> {
  const named = { Key: wish.key, VersionId: wish.version };
  try {
    requireOwnKey(wish.key);
    const { isMarker, version } = await carryOut(store, bucket, wish);
    changed.push({ key: wish.key, version });
    if (isQuiet) return '';
    const marker = isMarker ? { DeleteMarker: true, DeleteMarkerVersionId: version } : {};
    return `<Deleted>${elements({ ...named, ...marker })}</Deleted>`;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return `<Error>${elements({ ...named, Code: error.code, Message: error.message })}</Error>`;
  }
}

/** Removes one object; a missing object counts as removed. */
async function carryOut(store: ObjectStore, bucket: string, { key, version, eTag }: Wish): Promise<Removed> {
  if (version === '') throw new S3Error('InvalidArgument', 400, 'The versionId is empty. Nothing was deleted.');
  const mayRemove = (object: ObjectVersion | null) => {
    if (eTag !== null) requireWritable({ 'if-match': eTag }, object);
  };
  if (version !== null) {
    const removed = await store.remove(bucket, key, version, mayRemove);
    return { isMarker: removed?.kind === 'delete-marker', version };
  }
  const marker = await store.hide(bucket, key, mayRemove);
  return { isMarker: marker !== null, version: marker?.version ?? null };
}

function readWishes(text: string): { readonly wishes: readonly Wish[]; readonly isQuiet: boolean } {
  const list = readXml(text, 'Delete');
  for (const name of list.children.keys())
    if (name !== 'Object' && name !== 'Quiet') throw malformed(`it has the element ${name.slice(0, 40)}`);
  const objects = list.children.get('Object') ?? [];
  if (objects.length === 0) throw malformed('it names no object');
  if (objects.length > MAX_OBJECTS) throw malformed(`it names more than ${MAX_OBJECTS} objects`);
  const quiet = childText(list, 'Quiet') ?? 'false';
  if (quiet !== 'true' && quiet !== 'false') throw malformed('Quiet must be true or false');
  return { wishes: objects.map(readWish), isQuiet: quiet === 'true' };
}

function readWish(object: XmlElement): Wish {
  for (const name of object.children.keys())
    if (!['Key', 'VersionId', 'ETag'].includes(name)) throw malformed(`an object has the element ${name.slice(0, 40)}`);
  const key = childText(object, 'Key') ?? '';
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw malformed(`a key must have 1 to ${MAX_KEY_BYTES} bytes`);
  return { key, version: childText(object, 'VersionId'), eTag: childText(object, 'ETag') };
}
