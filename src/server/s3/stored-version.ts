/** Facts that the store keeps about one version of a key, beside the content. Pure. */
import type { Checksums, ChecksumType } from './checksums.ts';
import type { KeptHeaders } from './kept-headers.ts';
import type { PartRun } from './object-parts.ts';
import type { Tags } from './tags.ts';

interface Version {
  readonly key: string;
  readonly version: string;
  /** Rises with each version of a key, so that the clock need not; 0 in versions that earlier servers have written. */
  readonly sequence: number;
  readonly modifiedAtMs: number;
}

export interface ObjectVersion extends Version {
  readonly kind: 'object';
  /** Without quotes. */
  readonly eTag: string;
  readonly sizeBytes: number;
  /** Headers of the upload that were kept: content-type, x-amz-meta-… */
  readonly headers: KeptHeaders;
  /** Checksums that the client promised or asked for, and that held. */
  readonly checksums: Checksums;
  /** Source of the checksums: the content as it is, or the checksums of its parts. */
  readonly checksumType: ChecksumType;
  readonly tags: Tags;
  /** The parts that it was uploaded in; none: in one piece, or by an earlier server, which did not keep them. */
  readonly parts: readonly PartRun[];
}

/** Stands where a key was deleted: the versions before it stay. */
export interface DeleteMarker extends Version {
  readonly kind: 'delete-marker';
}

export type StoredVersion = ObjectVersion | DeleteMarker;

/** Facts about an object that its writer states; the store adds the rest. */
export type ObjectFacts = Pick<ObjectVersion, 'eTag' | 'headers' | 'checksums' | 'checksumType' | 'tags'> &
  Partial<Pick<ObjectVersion, 'parts'>>;

/** Facts as an earlier server wrote them, with some missing; the oldest have a content type in place of headers. */
type StoredBefore = Partial<Omit<ObjectVersion, 'kind'>> &
  Pick<ObjectVersion, 'key' | 'version'> & { readonly kind?: 'object'; readonly contentType?: string };

export function readVersion(text: string): StoredVersion {
  const stored = JSON.parse(text) as StoredBefore | DeleteMarker;
  if (stored.kind === 'delete-marker') return stored;
  const { contentType = 'application/octet-stream', ...object } = stored;
  return {
    ...{ sequence: 0, modifiedAtMs: 0, eTag: '', sizeBytes: 0, headers: { 'content-type': contentType } },
    ...{ checksums: {}, checksumType: 'FULL_OBJECT', tags: [], parts: [] },
    ...object,
    kind: 'object',
  };
}

/** Newest first. */
export function compareVersions(a: StoredVersion, b: StoredVersion): number {
  return b.sequence - a.sequence || b.modifiedAtMs - a.modifiedAtMs || (a.version < b.version ? -1 : 1);
}
