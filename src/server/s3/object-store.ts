/**
 * Objects on disk: every version of every key, whole or not at all.
 *
 *   <root>/<bucket>/<hash of the key>/<version>        content
 *   <root>/<bucket>/<hash of the key>/<version>.json   what is known of it; written last, so a version exists when this does
 *   <root>/<bucket>/<hash of the key>/latest           the version that is read when none is asked for
 *   <root>/.uploads/<id>/<part>                        parts of uploads that are not complete
 *
 * Keys are strangers' text and become no paths.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../system/clock.ts';
import { syncFolder, writeFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import type { ChecksumAlgorithm, Checksums } from './checksums.ts';
import { type IncomingFile, openIncoming, readIfThere } from './incoming-file.ts';
import type { KeptHeaders } from './kept-headers.ts';
import { compareKeys } from './listing.ts';
import { S3Error } from './s3-error.ts';
import type { PartSums, WholeFacts } from './upload-parts.ts';

export interface ObjectVersion {
  readonly key: string;
  readonly version: string;
  /** Without quotes. */
  readonly eTag: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** What was kept of the headers of the upload: content-type, x-amz-meta-… */
  readonly headers: KeptHeaders;
  /** Those that the client promised, and that held; of an upload in parts, that of the whole. */
  readonly checksums: Checksums;
}

/** An upload in parts that is not complete. */
export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly headers: KeptHeaders;
  /** The checksum that each part gets; null: none. */
  readonly algorithm: ChecksumAlgorithm | null;
}

export interface ObjectStore {
  createBucket(bucket: string): void;
  /** @throws S3Error NoSuchBucket, InvalidBucketName */
  requireBucket(bucket: string): void;
  /** By name. */
  listBuckets(): readonly { readonly name: string; readonly createdMs: number }[];
  /** Whether there is a bucket of this name, which need not be one for a bucket. */
  hasBucket(bucket: string): boolean;
  incoming(): IncomingFile;
  /** @param content that has settled */
  put(
    bucket: string,
    key: string,
    content: IncomingFile,
    facts: Pick<ObjectVersion, 'eTag' | 'headers' | 'checksums'>,
  ): ObjectVersion;
  /** @throws S3Error NoSuchKey, NoSuchVersion, NoSuchBucket */
  find(bucket: string, key: string, version: string | null): { readonly object: ObjectVersion; readonly file: string };
  /** The same without a complaint: null where there is nothing. */
  look(
    bucket: string,
    key: string,
    version: string | null,
  ): { readonly object: ObjectVersion; readonly isLatest: boolean } | null;
  /** What a key holds now. @throws S3Error NoSuchBucket */
  latest(bucket: string, key: string): ObjectVersion | null;
  remove(bucket: string, key: string, version: string | null): void;
  /** The latest versions, in the order of their keys. */
  list(bucket: string): ObjectVersion[];
  createUpload(bucket: string, key: string, facts: Pick<Upload, 'headers' | 'algorithm'>): string;
  /** @throws S3Error NoSuchUpload, also for one of another object */
  findUpload(bucket: string, key: string, uploadId: string): Upload;
  /** @param content that has settled @throws S3Error NoSuchUpload */
  putPart(uploadId: string, part: number, content: IncomingFile, checksums: Checksums): void;
  /** Where the parts of an upload are. */
  partsFolder(upload: Upload): string;
  /** @param whole of the upload's parts, settled @throws S3Error NoSuchUpload when it is over meanwhile */
  completeUpload(upload: Upload, whole: IncomingFile, facts: WholeFacts): ObjectVersion;
  abortUpload(upload: Upload): void;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const UPLOAD = /^[A-Za-z0-9]{32}$/;
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function openObjectStore(root: string, clock: Pick<Clock, 'now'>, random: Pick<Random, 'text'>): ObjectStore {
  const uploads = join(root, '.uploads');
  const incomingDir = join(root, '.incoming');
  mkdirSync(uploads, { recursive: true, mode: 0o700 });
  // What was on its way in when the power went is nobody's.
  rmSync(incomingDir, { recursive: true, force: true });
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
  /** The version that is asked for, if it is there whole. */
  const versionIn = (folder: string, version: string | null): ObjectVersion | null => {
    const wanted = version ?? readIfThere(join(folder, 'latest'));
    if (wanted === null || !/^[A-Za-z0-9]{1,64}$/.test(wanted)) return null;
    const text = readIfThere(join(folder, `${wanted}.json`));
    return text === null ? null : readObject(text);
  };

  const store: ObjectStore = {
    createBucket: (bucket) => void mkdirSync(bucketDir(bucket), { recursive: true, mode: 0o700 }),
    requireBucket: (bucket) => void requireBucket(bucket),
    listBuckets: () =>
      readdirSync(root)
        .filter((name) => BUCKET.test(name))
        .sort()
        .map((name) => ({ name, createdMs: statSync(join(root, name)).birthtimeMs })),
    hasBucket: (bucket) => BUCKET.test(bucket) && existsSync(join(root, bucket)),
    incoming: () => openIncoming(join(incomingDir, random.text(32, ID_LETTERS))),

    put(bucket, key, content, facts) {
      const folder = keyDir(bucket, key);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const version = random.text(32, ID_LETTERS);
      const file = join(folder, version);
      const factsFile = `${file}.json`;
      const latest = join(folder, 'latest');
      const object = { key, version, ...facts, sizeBytes: content.sizeBytes, modifiedAtMs: clock.now() };
      try {
        renameSync(content.path, file);
        writeFileDurably(factsFile, JSON.stringify(object), 0o600);
        writeFileDurably(latest, version, 0o600);
      } catch (error) {
        // On a full disk, say: an object that was refused must not take up the room that is missing.
        if (readIfThere(latest) !== version) for (const made of [factsFile, file]) rmSync(made, { force: true });
        throw error;
      }
      syncFolder(join(root, bucket));
      return object;
    },

    find(bucket, key, version) {
      const folder = keyDir(bucket, key);
      const object = versionIn(folder, version);
      if (object !== null) return { object, file: join(folder, object.version) };
      const code = version === null ? 'NoSuchKey' : 'NoSuchVersion';
      const why = version === null ? 'does not exist.' : `has no version ${version.slice(0, 64)}.`;
      throw new S3Error(code, 404, `s3://${bucket}/${key} ${why}`);
    },

    look(bucket, key, version) {
      if (!store.hasBucket(bucket)) return null;
      const folder = keyDir(bucket, key);
      const object = versionIn(folder, version);
      return object && { object, isLatest: object.version === versionIn(folder, null)?.version };
    },

    latest: (bucket, key) => versionIn(keyDir(bucket, key), null),

    remove(bucket, key, version) {
      const folder = keyDir(bucket, key);
      if (!existsSync(folder)) return;
      const latest = join(folder, 'latest');
      if (version === null) rmSync(latest, { force: true });
      else {
        const { object } = store.find(bucket, key, version);
        rmSync(join(folder, `${object.version}.json`), { force: true });
        rmSync(join(folder, object.version), { force: true });
        if (readIfThere(latest) === object.version) rmSync(latest, { force: true });
      }
      syncFolder(folder);
    },

    list(bucket) {
      const folder = requireBucket(bucket);
      return readdirSync(folder)
        .flatMap((name) => versionIn(join(folder, name), null) ?? [])
        .sort((a, b) => compareKeys(a.key, b.key));
    },

    createUpload(bucket, key, facts) {
      requireBucket(bucket);
      const uploadId = random.text(32, ID_LETTERS);
      mkdirSync(join(uploads, uploadId), { mode: 0o700 });
      const upload: Upload = { uploadId, bucket, key, ...facts };
      writeFileDurably(join(uploads, uploadId, 'upload.json'), JSON.stringify(upload), 0o600);
      return uploadId;
    },

    findUpload(bucket, key, uploadId) {
      const text = UPLOAD.test(uploadId) ? readIfThere(join(uploads, uploadId, 'upload.json')) : null;
      const upload = text === null ? null : readUpload(text, uploadId);
      if (upload === null || upload.bucket !== bucket || upload.key !== key)
        throw new S3Error('NoSuchUpload', 404, 'The upload does not exist, is over, or is of another object.');
      return upload;
    },

    putPart(uploadId, part, content, checksums) {
      const folder = join(uploads, uploadId);
      if (!existsSync(folder)) throw new S3Error('NoSuchUpload', 404, 'The upload is over.');
      // The sums of an earlier part of this number must not stand beside the content of this one.
      rmSync(join(folder, `${part}.json`), { force: true });
      renameSync(content.path, join(folder, String(part)));
      const sums: PartSums = { md5: content.md5(), sizeBytes: content.sizeBytes, checksums };
      writeFileDurably(join(folder, `${part}.json`), JSON.stringify(sums), 0o600);
    },

    partsFolder: ({ uploadId }) => join(uploads, uploadId),

    completeUpload({ uploadId, bucket, key, headers }, whole, facts) {
      const folder = join(uploads, uploadId);
      if (!existsSync(folder)) throw new S3Error('NoSuchUpload', 404, 'The upload is over.');
      const object = store.put(bucket, key, whole, { ...facts, headers });
      rmSync(folder, { recursive: true, force: true });
      return object;
    },

    abortUpload: ({ uploadId }) => rmSync(join(uploads, uploadId), { recursive: true, force: true }),
  };
  return store;
}

/** Objects of earlier versions have a content type alone. */
function readObject(text: string): ObjectVersion {
  const { contentType, ...object } = JSON.parse(text) as ObjectVersion & { contentType?: string };
  const headers = object.headers ?? { 'content-type': contentType ?? 'application/octet-stream' };
  return { ...object, headers, checksums: object.checksums ?? {} };
}

/** Uploads that an earlier version began have a content type alone. */
function readUpload(text: string, uploadId: string): Upload {
  const { contentType, ...upload } = JSON.parse(text) as Upload & { contentType?: string };
  const headers = upload.headers ?? { 'content-type': contentType ?? 'application/octet-stream' };
  return { ...upload, uploadId, headers, algorithm: upload.algorithm ?? null };
}
