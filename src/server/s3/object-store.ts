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
import type { Clock } from '../../system/clock.ts';
import { syncFolder, writeFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import { S3Error } from './s3-error.ts';

export interface ObjectVersion {
  readonly key: string;
  readonly version: string;
  /** Without quotes. */
  readonly eTag: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly contentType: string;
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
  hasBucket(bucket: string): boolean;
  incoming(): IncomingFile;
  put(
    bucket: string,
    key: string,
    content: IncomingFile,
    facts: { readonly eTag: string; readonly contentType: string },
  ): ObjectVersion;
  find(bucket: string, key: string, version: string | null): { readonly object: ObjectVersion; readonly file: string };
  remove(bucket: string, key: string, version: string | null): void;
  list(bucket: string): ObjectVersion[];
  createUpload(bucket: string, key: string, contentType: string): string;
  putPart(uploadId: string, part: number, content: IncomingFile): void;
  completeUpload(
    bucket: string,
    key: string,
    uploadId: string,
    parts: readonly { number: number; eTag: string }[],
  ): ObjectVersion;
  abortUpload(uploadId: string): void;
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
  const uploadDir = (uploadId: string): string => {
    const folder = join(uploads, uploadId);
    if (!UPLOAD.test(uploadId) || !existsSync(folder))
      throw new S3Error('NoSuchUpload', 404, 'The upload does not exist, or is over.');
    return folder;
  };
  const readVersion = (folder: string, version: string): ObjectVersion =>
    JSON.parse(readFileSync(join(folder, `${version}.json`), 'utf8')) as ObjectVersion;

  const store: ObjectStore = {
    createBucket: (bucket) => void mkdirSync(bucketDir(bucket), { recursive: true, mode: 0o700 }),
    hasBucket: (bucket) => BUCKET.test(bucket) && existsSync(join(root, bucket)),
    incoming: () => openIncoming(join(incomingDir, random.text(32, ID_LETTERS))),

    put(bucket, key, content, { eTag, contentType }) {
      const folder = keyDir(bucket, key);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const version = random.text(32, ID_LETTERS);
      const file = content as FileContent;
      file.finish();
      renameSync(file.path, join(folder, version));
      const object = { key, version, eTag, sizeBytes: content.sizeBytes, modifiedAtMs: clock.now(), contentType };
      writeFileDurably(join(folder, `${version}.json`), JSON.stringify(object), 0o600);
      writeFileDurably(join(folder, 'latest'), version, 0o600);
      syncFolder(join(root, bucket));
      return object;
    },

    find(bucket, key, version) {
      const folder = keyDir(bucket, key);
      const latest = join(folder, 'latest');
      const wanted = version ?? (existsSync(latest) ? readFileSync(latest, 'utf8') : null);
      if (wanted === null || !/^[A-Za-z0-9]+$/.test(wanted) || !existsSync(join(folder, `${wanted}.json`))) {
        const code = version === null ? 'NoSuchKey' : 'NoSuchVersion';
        throw new S3Error(
          code,
          404,
          `s3://${bucket}/${key} ${version === null ? 'does not exist.' : `has no version ${version}.`}`,
        );
      }
      return { object: readVersion(folder, wanted), file: join(folder, wanted) };
    },

    remove(bucket, key, version) {
      const folder = keyDir(bucket, key);
      if (!existsSync(folder)) return;
      if (version === null) rmSync(join(folder, 'latest'), { force: true });
      else {
        const { object } = store.find(bucket, key, version);
        rmSync(join(folder, `${object.version}.json`), { force: true });
        rmSync(join(folder, object.version), { force: true });
        if (existsSync(join(folder, 'latest')) && readFileSync(join(folder, 'latest'), 'utf8') === object.version) {
          rmSync(join(folder, 'latest'), { force: true });
        }
      }
      syncFolder(folder);
    },

    list(bucket) {
      const folder = requireBucket(bucket);
      return readdirSync(folder)
        .filter((name) => existsSync(join(folder, name, 'latest')))
        .map((name) => readVersion(join(folder, name), readFileSync(join(folder, name, 'latest'), 'utf8')))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
    },

    createUpload(bucket, key, contentType) {
      requireBucket(bucket);
      const uploadId = random.text(32, ID_LETTERS);
      mkdirSync(join(uploads, uploadId), { mode: 0o700 });
      writeFileDurably(join(uploads, uploadId, 'upload.json'), JSON.stringify({ bucket, key, contentType }), 0o600);
      return uploadId;
    },

    putPart(uploadId, part, content) {
      const folder = uploadDir(uploadId);
      const file = content as FileContent;
      file.finish();
      writeFileDurably(join(folder, `${part}.md5`), content.md5(), 0o600);
      renameSync(file.path, join(folder, String(part)));
    },

    completeUpload(bucket, key, uploadId, parts) {
      const folder = uploadDir(uploadId);
      const upload = JSON.parse(readFileSync(join(folder, 'upload.json'), 'utf8')) as {
        bucket: string;
        key: string;
        contentType: string;
      };
      if (upload.bucket !== bucket || upload.key !== key)
        throw new S3Error('NoSuchUpload', 404, 'The upload is of another object.');
      const sums = requireParts(folder, parts);
      const whole = store.incoming();
      try {
        for (const { number } of parts) copyInto(join(folder, String(number)), whole);
        const eTag = `${createHash('md5')
          .update(Buffer.from(sums.join(''), 'hex'))
          .digest('hex')}-${parts.length}`;
        const object = store.put(bucket, key, whole, { eTag, contentType: upload.contentType });
        rmSync(folder, { recursive: true, force: true });
        return object;
      } finally {
        whole.discard();
      }
    },

    abortUpload: (uploadId) => rmSync(uploadDir(uploadId), { recursive: true, force: true }),
  };
  return store;
}

/** @returns the MD5 sums of the parts, which must be there as the client says, and in order */
function requireParts(folder: string, parts: readonly { number: number; eTag: string }[]): string[] {
  if (parts.length === 0) throw new S3Error('MalformedXML', 400, 'The list of parts is empty.');
  return parts.map(({ number, eTag }, index) => {
    const before = parts[index - 1];
    if (before !== undefined && before.number >= number)
      throw new S3Error('InvalidPartOrder', 400, 'The parts are not in ascending order.');
    const sumFile = join(folder, `${number}.md5`);
    const sum = existsSync(sumFile) && existsSync(join(folder, String(number))) ? readFileSync(sumFile, 'utf8') : null;
    if (sum === null || sum !== eTag.replaceAll('"', ''))
      throw new S3Error('InvalidPart', 400, `The part ${number} is missing, or is another one.`);
    return sum;
  });
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

function copyInto(path: string, target: IncomingFile): void {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(COPY_BYTES);
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) return;
      target.write(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
