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
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { syncFolder, writeFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import { type ChecksumAlgorithm, type Checksums, createChecksum } from './checksums.ts';
import type { KeptHeaders } from './kept-headers.ts';
import { compareKeys } from './listing.ts';
import { S3Error } from './s3-error.ts';

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

/** A part as the request that completes an upload names it. */
export interface CompletedPart {
  readonly number: number;
  /** Without quotes. */
  readonly eTag: string;
  readonly checksums: Checksums;
}

/** What the whole object must be for an upload to be completed; null: whatever it is. */
export interface WholePromise {
  readonly sizeBytes: number | null;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
}

/** Content that is on its way in. */
export interface IncomingFile {
  readonly sizeBytes: number;
  write(chunk: Uint8Array): void;
  /** The MD5 of what was written, in hex. */
  md5(): string;
  discard(): void;
}

export interface ObjectStore {
  createBucket(bucket: string): void;
  /** @throws S3Error NoSuchBucket, InvalidBucketName */
  requireBucket(bucket: string): void;
  /** Whether there is a bucket of this name, which need not be one for a bucket. */
  hasBucket(bucket: string): boolean;
  incoming(): IncomingFile;
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
  putPart(uploadId: string, part: number, content: IncomingFile, checksums: Checksums): void;
  completeUpload(upload: Upload, parts: readonly CompletedPart[], promise: WholePromise): ObjectVersion;
  abortUpload(upload: Upload): void;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const UPLOAD = /^[A-Za-z0-9]{32}$/;
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const COPY_BYTES = 1024 * 1024;

interface FileContent extends IncomingFile {
  readonly path: string;
  finish(): void;
}

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
    hasBucket: (bucket) => BUCKET.test(bucket) && existsSync(join(root, bucket)),
    incoming: () => openIncoming(join(incomingDir, random.text(32, ID_LETTERS))),

    put(bucket, key, content, facts) {
      const folder = keyDir(bucket, key);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const version = random.text(32, ID_LETTERS);
      const file = content as FileContent;
      file.finish();
      renameSync(file.path, join(folder, version));
      const object = { key, version, ...facts, sizeBytes: content.sizeBytes, modifiedAtMs: clock.now() };
      writeFileDurably(join(folder, `${version}.json`), JSON.stringify(object), 0o600);
      writeFileDurably(join(folder, 'latest'), version, 0o600);
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
      const file = content as FileContent;
      file.finish();
      // The sums of an earlier part of this number must not stand beside the content of this one.
      rmSync(join(folder, `${part}.json`), { force: true });
      renameSync(file.path, join(folder, String(part)));
      const sums: PartSums = { md5: content.md5(), sizeBytes: content.sizeBytes, checksums };
      writeFileDurably(join(folder, `${part}.json`), JSON.stringify(sums), 0o600);
    },

    completeUpload({ uploadId, bucket, key, headers }, parts, promise) {
      const folder = join(uploads, uploadId);
      const sums = requireParts(folder, parts);
      const sizeBytes = sums.reduce((sum, part) => sum + part.sizeBytes, 0);
      if (promise.sizeBytes !== null && promise.sizeBytes !== sizeBytes)
        throw new S3Error(
          'InvalidRequest',
          400,
          `The parts have ${sizeBytes} bytes, not as many as x-amz-mp-object-size says.`,
        );
      const whole = store.incoming();
      const checksum = promise.checksum === null ? null : createChecksum(promise.checksum.algorithm);
      try {
        for (const { number } of parts) {
          copyInto(join(folder, String(number)), (piece) => {
            whole.write(piece);
            checksum?.update(piece);
          });
        }
        const found = promise.checksum === null ? {} : { [promise.checksum.algorithm]: checksum?.digest() ?? '' };
        if (promise.checksum !== null && promise.checksum.value !== found[promise.checksum.algorithm])
          throw new S3Error('BadDigest', 400, 'The object does not have the checksum that was promised.');
        const together = createHash('md5').update(Buffer.from(sums.map(({ md5 }) => md5).join(''), 'hex'));
        const eTag = `${together.digest('hex')}-${parts.length}`;
        const object = store.put(bucket, key, whole, { eTag, headers, checksums: found });
        rmSync(folder, { recursive: true, force: true });
        return object;
      } finally {
        whole.discard();
      }
    },

    abortUpload: ({ uploadId }) => rmSync(join(uploads, uploadId), { recursive: true, force: true }),
  };
  return store;
}

/** What is known of a part when it is there whole. */
interface PartSums {
  readonly md5: string;
  readonly sizeBytes: number;
  readonly checksums: Checksums;
}

/** @returns what is known of the parts, which must be there as the client says, and in order */
function requireParts(folder: string, parts: readonly CompletedPart[]): PartSums[] {
  return parts.map(({ number, eTag, checksums }, index) => {
    const before = parts[index - 1];
    if (before !== undefined && before.number >= number)
      throw new S3Error('InvalidPartOrder', 400, 'The parts are not in ascending order.');
    const text = readIfThere(join(folder, `${number}.json`));
    const sums = text === null ? null : (JSON.parse(text) as PartSums);
    const isThis = sums !== null && sums.md5 === eTag;
    const differs = Object.entries(checksums).some(([algorithm, value]) => {
      const known = sums?.checksums[algorithm as ChecksumAlgorithm];
      return known !== undefined && known !== value;
    });
    if (!isThis || differs) throw new S3Error('InvalidPart', 400, `The part ${number} is missing, or is another one.`);
    return sums;
  });
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
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

function openIncoming(path: string): FileContent {
  let file: number | null = openSync(path, 'wx', 0o600);
  const hash = createHash('md5');
  let sum: string | null = null;
  let sizeBytes = 0;
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    write(chunk) {
      if (file === null) throw new Error('the content is complete already');
      for (let written = 0; written < chunk.length; )
        written += writeSync(file, chunk, written, chunk.length - written);
      hash.update(chunk);
      sizeBytes += chunk.length;
    },
    md5() {
      sum ??= hash.digest('hex');
      return sum;
    },
    finish() {
      if (file !== null) fsyncSync(file);
      close();
    },
    discard() {
      close();
      rmSync(path, { force: true });
    },
  };
}

function copyInto(path: string, write: (piece: Buffer) => void): void {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(COPY_BYTES);
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) return;
      write(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
