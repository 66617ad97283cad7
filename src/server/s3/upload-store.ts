/**
 * Uploads in parts that are not complete.
 *
 *   <root>/.uploads/<id>/upload.json    what becomes of it
 *   <root>/.uploads/<id>/<part>.json    what is known of a part, and the name of its content; written last
 *   <root>/.uploads/<id>/<part>.<id>    content of a part
 *
 * The object that an upload becomes has the upload's id as its version. So a client that completes an upload once more, because the answer
 * was lost, is told of that object, also when the server was killed in between.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolderAsync, writeFileDurablyAsync } from '../../system/durable-file.ts';
import type { Checksums } from './checksums.ts';
import { namesIn, readIfThere, removeOlder } from './if-there.ts';
import type { IncomingFile } from './incoming-file.ts';
import { compareKeys } from './listing.ts';
import { ID_LETTERS, type ObjectStore, type Permit, type StoreContext } from './object-store.ts';
import { S3Error } from './s3-error.ts';
import { servingOthers } from './serving-others.ts';
import { readPart, readUpload, type StoredPart, type Upload, type WholeFacts } from './stored-upload.ts';
import type { ObjectVersion } from './stored-version.ts';

export interface UploadStore {
  create(facts: Omit<Upload, 'uploadId' | 'startedAtMs'>): Promise<Upload>;
  /** Lets requests to complete an upload follow one another. */
  oneAtATime<T>(uploadId: string, work: () => Promise<T>): Promise<T>;
  /** @throws S3Error NoSuchUpload, also for one of another object */
  find(bucket: string, key: string, uploadId: string): Upload;
  /** @param content that has settled @throws S3Error NoSuchUpload */
  putPart(upload: Upload, number: number, content: IncomingFile, checksums: Checksums): Promise<StoredPart>;
  /** One part; null: it is not there whole. */
  part(upload: Upload, number: number): StoredPart | null;
  /** Sorted by number. */
  parts(upload: Upload, signal: AbortSignal): Promise<StoredPart[]>;
  contentOf(upload: Upload, part: StoredPart): string;
  /** @param whole of the upload's parts, settled @throws S3Error NoSuchUpload when it is over meanwhile, and those of `mayReplace` */
  complete(upload: Upload, whole: IncomingFile, facts: WholeFacts, mayReplace: Permit): Promise<ObjectVersion>;
  /** The object that an upload has become; null: it has not, or not to the end, or of other parts, or that object is gone. */
  completed(bucket: string, key: string, uploadId: string, eTag: string): ObjectVersion | null;
  abort(upload: Upload): Promise<void>;
  /** Lists the uploads to one bucket, in the order of their keys, then of their beginnings. */
  list(bucket: string, signal: AbortSignal): Promise<Upload[]>;
  /** Removes uploads of which nothing has come since a time. @returns how many */
  removeIdle(sinceMs: number): Promise<number>;
}

const UPLOAD = /^[A-Za-z0-9]{32}$/;

export function openUploadStore(
  root: string,
  objects: Pick<ObjectStore, 'requireBucket' | 'put' | 'look'>,
  { clock, random, locks }: Pick<StoreContext, 'clock' | 'random' | 'locks'>,
): UploadStore {
  const uploads = join(root, '.uploads');
  mkdirSync(uploads, { recursive: true, mode: 0o700 });
  const folderOf = ({ uploadId }: Pick<Upload, 'uploadId'>) => join(uploads, uploadId);
  const read = (uploadId: string): Upload | null => {
    const text = UPLOAD.test(uploadId) ? readIfThere(join(uploads, uploadId, 'upload.json')) : null;
    return text === null ? null : readUpload(text, uploadId);
  };
  const requireOpen = (upload: Upload): string => {
    const folder = folderOf(upload);
    if (!existsSync(folder)) throw isOver();
    return folder;
  };

  // A part that comes meanwhile may put a file there once more.
  const remove = (upload: Upload) => rm(folderOf(upload), { recursive: true, force: true, maxRetries: 3 });

  const store: UploadStore = {
    async create(facts) {
      objects.requireBucket(facts.bucket);
      const upload = { uploadId: random.text(32, ID_LETTERS), startedAtMs: clock.now(), ...facts };
      mkdirSync(folderOf(upload), { mode: 0o700 });
      await writeFileDurablyAsync(join(folderOf(upload), 'upload.json'), JSON.stringify(upload), 0o600);
      await syncFolderAsync(uploads);
      return upload;
    },

    oneAtATime: (uploadId, work) => locks.run(`complete ${uploadId}`, work),

    find(bucket, key, uploadId) {
      const upload = read(uploadId);
      if (upload === null || upload.bucket !== bucket || upload.key !== key)
        throw new S3Error('NoSuchUpload', 404, 'The upload does not exist, is over, or is of another object.');
      return upload;
    },

    putPart(upload, number, content, checksums) {
      const folder = requireOpen(upload);
      const { sizeBytes } = content;
      const file = `${number}.${random.text(16, ID_LETTERS)}`;
      const part = { number, file, md5: content.md5(), sizeBytes, checksums, modifiedAtMs: clock.now() };
      return locks.run(join(folder, String(number)), async () => {
        requireOpen(upload);
        const before = store.part(upload, number);
        try {
          renameSync(content.path, join(folder, file));
          await writeFileDurablyAsync(join(folder, `${number}.json`), JSON.stringify(part), 0o600);
        } catch (error) {
          // It was given up while the part was on its way to the disk.
          requireOpen(upload);
          throw error;
        }
        if (before !== null) await rm(join(folder, before.file), { force: true });
        return part;
      });
    },

    part(upload, number) {
      const text = readIfThere(join(folderOf(upload), `${number}.json`));
      return text === null ? null : readPart(text, number);
    },

    async parts(upload, signal) {
      const parts: StoredPart[] = [];
      await servingOthers(namesIn(requireOpen(upload)), signal, (name) => {
        const part = /^\d{1,5}\.json$/.test(name) ? store.part(upload, Number.parseInt(name, 10)) : null;
        if (part !== null) parts.push(part);
      });
      return parts.sort((a, b) => a.number - b.number);
    },

    contentOf: (upload, part) => join(folderOf(upload), part.file),

    async complete(upload, whole, facts, mayReplace) {
      requireOpen(upload);
      const { bucket, key, headers, tags, checksumType, uploadId: version } = upload;
      // A killed server has left its parts, and may have taken others since.
      if (objects.look(bucket, key, version)?.wasLatest === true) throw isOver();
      const how = { mayReplace, version };
      const object = await objects.put(bucket, key, whole, { ...facts, headers, tags, checksumType }, how);
      await remove(upload);
      return object;
    },

    completed(bucket, key, uploadId, eTag) {
      const looked = UPLOAD.test(uploadId) ? objects.look(bucket, key, uploadId) : null;
      return looked?.wasLatest === true && looked.object.eTag === eTag ? looked.object : null;
    },

    abort: remove,

    async list(bucket, signal) {
      const found: Upload[] = [];
      await servingOthers(readdirSync(uploads), signal, (name) => {
        const upload = read(name);
        if (upload?.bucket === bucket) found.push(upload);
      });
      return found.sort((a, b) => compareKeys(a.key, b.key) || a.startedAtMs - b.startedAtMs);
    },

    removeIdle: (sinceMs) => removeOlder(uploads, sinceMs),
  };
  return store;
}

function isOver(): S3Error {
  return new S3Error('NoSuchUpload', 404, 'The upload was completed or aborted. Start a new one.');
}
