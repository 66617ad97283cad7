/**
 * Objects on disk: every version of every key, whole or not at all.
 *
 *   <root>/<bucket>/<hash of the key>/   all versions of a key; `key-folder.ts` says what is in it
 *   <root>/.incoming/<id>                content on its way in
 *
 * Keys are strangers' text and become no paths.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { syncFolder, syncFolderAsync } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import { removeOlder } from './if-there.ts';
import { type IncomingFile, openIncoming } from './incoming-file.ts';
import * as keyFolder from './key-folder.ts';
import { createKeyIndex, keysFrom } from './key-index.ts';
import { compareKeys, type ListPage, type ListRequest, openPage } from './listing.ts';
import type { Locks } from './locks.ts';
import { S3Error } from './s3-error.ts';
import { servingOthers } from './serving-others.ts';
import type { DeleteMarker, ObjectFacts, ObjectVersion, StoredVersion } from './stored-version.ts';
import type { Tags } from './tags.ts';
import { type ListedVersion, type VersionMarker, versionsBehind } from './version-marker.ts';

export interface FoundObject {
  readonly object: ObjectVersion;
  /** Its content. */
  readonly file: string;
}

export interface LookedAt {
  readonly object: ObjectVersion;
  readonly isLatest: boolean;
  /** Whether the key has ever named it its latest: a server that was killed may have stored it, and not come to that. */
  readonly wasLatest: boolean;
}

export interface VersionsRequest extends ListRequest {
  readonly marker: VersionMarker;
}

/** Looks at the object that is about to be changed, when nobody else can change it any more; null: there is none. Throws to keep it. */
export type Permit = (object: ObjectVersion | null) => void;

export interface ObjectStore {
  createBucket(bucket: string): void;
  /** @throws S3Error NoSuchBucket, BucketNotEmpty while it holds any version */
  deleteBucket(bucket: string): void;
  /** @throws S3Error NoSuchBucket, InvalidBucketName */
  requireBucket(bucket: string): void;
  /** Sorted by name. */
  listBuckets(): readonly { readonly name: string; readonly createdMs: number }[];
  /** Whether there is a bucket of this name, which need not be one for a bucket. */
  hasBucket(bucket: string): boolean;
  /** A version's name that nothing has. */
  newVersion(): string;
  incoming(): IncomingFile;
  /** Removes content of which nothing has come since a time. @returns how much of it there was */
  removeIdleIncoming(sinceMs: number): Promise<number>;
  /** @param content that has settled @throws S3Error NoSuchBucket, and those of `mayReplace` */
  put(
    bucket: string,
    key: string,
    content: IncomingFile,
    facts: ObjectFacts,
    how: { readonly mayReplace: Permit; readonly version?: string },
  ): Promise<ObjectVersion>;
  /** @throws S3Error NoSuchKey, NoSuchVersion, NoSuchBucket; MethodNotAllowed for a delete marker that is named */
  find(bucket: string, key: string, version: string | null): FoundObject;
  /** The same without a complaint: null where there is no object. */
  look(bucket: string, key: string, version: string | null): LookedAt | null;
  /** Returns the current object of a key; null: nothing, or a delete marker. */
  latest(bucket: string, key: string): ObjectVersion | null;
  /** Replaces the tags of one version. @throws S3Error as `find` */
  tag(bucket: string, key: string, version: string | null, tags: Tags): Promise<ObjectVersion>;
  /** Hides a key behind a delete marker. @returns null: there is nothing to hide @throws S3Error NoSuchBucket, and those of `mayHide` */
  hide(bucket: string, key: string, mayHide: Permit): Promise<DeleteMarker | null>;
  /** Removes one version for good. @returns null: there is none @throws S3Error NoSuchBucket, and those of `mayRemove` */
  remove(bucket: string, key: string, version: string, mayRemove: Permit): Promise<StoredVersion | null>;
  /** A page of the objects that keys hold now, in the order of the keys. */
  list(bucket: string, request: ListRequest, signal: AbortSignal): Promise<ListPage<ObjectVersion>>;
  /** A page of all versions, in the order of the keys, of each key the newest first. */
  listVersions(bucket: string, request: VersionsRequest, signal: AbortSignal): Promise<ListPage<ListedVersion>>;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
export const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export interface StoreContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'text'>;
  /** Whether other servers work in the same folder. */
  readonly isShared: boolean;
  readonly locks: Locks;
}

export function openObjectStore(root: string, { clock, random, isShared, locks }: StoreContext): ObjectStore {
  const incomingDir = join(root, '.incoming');
  // What was on its way in when the power went is nobody's; what comes in at another server is that server's.
  if (!isShared) rmSync(incomingDir, { recursive: true, force: true });
  mkdirSync(incomingDir, { recursive: true, mode: 0o700 });

  const bucketDir = (bucket: string): string => {
    if (!BUCKET.test(bucket)) throw new S3Error('InvalidBucketName', 400, `'${bucket}' is no name for a bucket.`);
    return join(root, bucket);
  };
  const requireBucket = (bucket: string): string => {
    const folder = bucketDir(bucket);
    if (!existsSync(folder)) throw new S3Error('NoSuchBucket', 404, `The bucket ${bucket} does not exist.`);
    return folder;
  };
  const keyDir = (bucket: string, key: string) =>
    join(requireBucket(bucket), createHash('sha256').update(key).digest('hex'));
  const versionIn = (folder: string, version: string | null): StoredVersion | null =>
    version === null ? keyFolder.latestIn(folder) : keyFolder.versionIn(folder, version);
  const newVersion = (folder: string, key: string, version = random.text(32, ID_LETTERS)) => ({
    ...{ key, version, sequence: keyFolder.nextSequence(folder) },
    modifiedAtMs: clock.now(),
  });

  const index = createKeyIndex(clock.now);

  const store: ObjectStore = {
    createBucket(bucket) {
      // Objects in it are told to be durable, and so its name must be.
      if (mkdirSync(bucketDir(bucket), { recursive: true, mode: 0o700 }) !== undefined) syncFolder(root);
    },
    deleteBucket(bucket) {
      const folder = requireBucket(bucket);
      if (locks.isBusy(join(folder, '/'))) throw notEmpty(bucket);
      removeBucket(folder, bucket);
    },
    requireBucket: (bucket) => void requireBucket(bucket),
    listBuckets: () =>
      readdirSync(root)
        .filter((name) => BUCKET.test(name))
        .sort()
        .map((name) => ({ name, createdMs: statSync(join(root, name)).birthtimeMs })),
    hasBucket: (bucket) => BUCKET.test(bucket) && existsSync(join(root, bucket)),
    newVersion: () => random.text(32, ID_LETTERS),
    incoming: () => openIncoming(join(incomingDir, random.text(32, ID_LETTERS))),
    removeIdleIncoming: (sinceMs) => removeOlder(incomingDir, sinceMs),

    put(bucket, key, content, facts, { mayReplace, version }) {
      const folder = keyDir(bucket, key);
      return locks.run(folder, async () => {
        mayReplace(store.latest(bucket, key));
        const { sizeBytes } = content;
        const object = { kind: 'object', ...newVersion(folder, key, version), parts: [], ...facts, sizeBytes } as const;
        await keyFolder.addObject(folder, object, content);
        await syncFolderAsync(join(root, bucket));
        return object;
      });
    },

    find(bucket, key, version) {
      const folder = keyDir(bucket, key);
      const found = versionIn(folder, version);
      if (found?.kind === 'object') return { object: found, file: keyFolder.contentOf(folder, found) };
      throw notFound(`s3://${bucket}/${key}`, version, found);
    },

    look(bucket, key, version) {
      if (!store.hasBucket(bucket)) return null;
      const folder = keyDir(bucket, key);
      const object = versionIn(folder, version);
      if (object?.kind !== 'object') return null;
      const latest = keyFolder.latestIn(folder);
      const wasLatest = latest !== null && latest.sequence >= object.sequence;
      return { object, isLatest: object.version === latest?.version, wasLatest };
    },

    latest(bucket, key) {
      const latest = keyFolder.latestIn(keyDir(bucket, key));
      return latest?.kind === 'object' ? latest : null;
    },

    tag(bucket, key, version, tags) {
      const folder = keyDir(bucket, key);
      return locks.run(folder, async () => {
        const tagged = { ...store.find(bucket, key, version).object, tags };
        await keyFolder.writeFacts(folder, tagged);
        return tagged;
      });
    },

    hide(bucket, key, mayHide) {
      const folder = keyDir(bucket, key);
      return locks.run(folder, async () => {
        const latest = keyFolder.latestIn(folder);
        mayHide(latest?.kind === 'object' ? latest : null);
        if (latest === null || latest.kind === 'delete-marker') return latest;
        const marker = { kind: 'delete-marker', ...newVersion(folder, key) } as const;
        await keyFolder.addMarker(folder, marker);
        return marker;
      });
    },

    remove(bucket, key, version, mayRemove) {
      const folder = keyDir(bucket, key);
      return locks.run(folder, async () => {
        const found = keyFolder.versionIn(folder, version);
        mayRemove(found?.kind === 'object' ? found : null);
        if (found !== null) await keyFolder.removeVersion(folder, found);
        return found;
      });
    },

    async list(bucket, request, signal) {
      const folder = requireBucket(bucket);
      const keys = await index.keysIn(folder, signal);
      // No key before the prefix begins with it.
      const begin = [request.after, request.prefix].sort(compareKeys)[1] ?? '';
      const page = openPage<ObjectVersion>(request);
      await servingOthers(keysFrom(keys, begin), signal, (key) => {
        if (!key.startsWith(request.prefix)) return false;
        if (!page.needs(key)) return true;
        const object = keyFolder.latestIn(keyDir(bucket, key));
        return object?.kind !== 'object' || page.add(object);
      });
      return page.close();
    },

    async listVersions(bucket, { marker, ...request }, signal) {
      const keys = await index.keysIn(requireBucket(bucket), signal);
      const begin = [request.after, request.prefix, marker.key].sort(compareKeys)[2] ?? '';
      const page = openPage<ListedVersion>(request);
      await servingOthers(keysFrom(keys, begin), signal, (key) => {
        if (!key.startsWith(request.prefix)) return false;
        // Versions of a key are read where the page shows one of them, or the name that they share.
        if (!page.needs(key)) return true;
        const listed = versionsBehind(marker, key, keyFolder.listedIn(keyDir(bucket, key)));
        return listed.every((one) => !page.needs(key) || page.add(one));
      });
      return page.close();
    },
  };
  return store;
}

function notFound(name: string, version: string | null, found: DeleteMarker | null): S3Error {
  const marked = found === null ? {} : { 'x-amz-delete-marker': 'true', 'x-amz-version-id': found.version };
  if (version === null) return new S3Error('NoSuchKey', 404, `${name} does not exist.`, marked);
  const id = version.slice(0, 64);
  return found === null
    ? new S3Error('NoSuchVersion', 404, `${name} has no version ${id}.`)
    : new S3Error('MethodNotAllowed', 405, `The version ${id} of ${name} is a delete marker.`, marked);
}

/** @throws S3Error BucketNotEmpty */
function removeBucket(folder: string, bucket: string): void {
  for (const name of readdirSync(folder)) {
    if (keyFolder.versionsIn(join(folder, name)).length > 0) throw notEmpty(bucket);
    rmSync(join(folder, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    // Another server has put something there just now.
    if (systemErrorCode(error) !== 'ENOTEMPTY') throw error;
    throw notEmpty(bucket);
  }
}

function notEmpty(bucket: string): S3Error {
  return new S3Error('BucketNotEmpty', 409, `The bucket ${bucket} holds versions of objects. Delete these first.`);
}
