/** Facts that the store keeps about an upload in parts, and about each part. Pure. */
import type { ChecksumAlgorithm, Checksums, ChecksumType } from './checksums.ts';
import type { KeptHeaders } from './kept-headers.ts';
import type { PartRun } from './object-parts.ts';
import type { Tags } from './tags.ts';

/** Properties of the object that an upload becomes, as stated at its beginning. */
export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly startedAtMs: number;
  readonly headers: KeptHeaders;
  readonly tags: Tags;
  /** The checksum that each part gets; null: none. */
  readonly algorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType;
}

/** A part that is there whole. */
export interface StoredPart {
  readonly number: number;
  /** The name of its content in the upload's folder. */
  readonly file: string;
  readonly md5: string;
  readonly sizeBytes: number;
  readonly checksums: Checksums;
  readonly modifiedAtMs: number;
}

/** Facts about the whole object. */
export interface WholeFacts {
  /** ETag of the kind that objects in parts have. */
  readonly eTag: string;
  readonly checksums: Checksums;
  readonly parts: readonly PartRun[];
}

/** Uploads that an earlier server began lack what it did not know; the oldest have a content type in place of headers. */
export function readUpload(text: string, uploadId: string): Upload {
  const { contentType = 'application/octet-stream', ...upload } = JSON.parse(text) as Partial<Upload> &
    Pick<Upload, 'bucket' | 'key'> & { readonly contentType?: string };
  return {
    ...{ startedAtMs: 0, headers: { 'content-type': contentType }, tags: [] },
    ...{ algorithm: null, checksumType: 'FULL_OBJECT' },
    ...upload,
    uploadId,
  };
}

/** Earlier servers named the content of a part by its number. */
export function readPart(text: string, number: number): StoredPart {
  const part = JSON.parse(text) as Omit<StoredPart, 'number' | 'file' | 'modifiedAtMs'> & Partial<StoredPart>;
  return { modifiedAtMs: 0, file: String(number), ...part, number };
}
