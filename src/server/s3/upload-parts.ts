/** The parts of an upload, and the whole that becomes of them. */
import { createHash } from 'node:crypto';
import { type ChecksumAlgorithm, type Checksums, compositeChecksum, createChecksum } from './checksums.ts';
import type { IncomingFile } from './incoming-file.ts';
import { runsOf } from './object-parts.ts';
import { type OpenContent, openContent, piecesOf } from './pieces.ts';
import { S3Error } from './s3-error.ts';
import type { StoredPart, Upload, WholeFacts } from './stored-upload.ts';
import type { UploadStore } from './upload-store.ts';

/** A part as the request that completes an upload names it. */
export interface CompletedPart {
  readonly number: number;
  /** Without quotes. */
  readonly eTag: string;
  readonly checksums: Checksums;
}

/** Conditions on the whole object for an upload to be completed; null: any. */
export interface WholePromise {
  readonly sizeBytes: number | null;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
}

type Parts = Pick<UploadStore, 'part' | 'contentOf'>;

/**
 * Copies the parts of an upload one behind the other, a piece at a time. Other requests are served between the pieces, because a large
 * object takes minutes.
 *
 * @param whole what they are written into
 * @param signal its reason is thrown when it aborts
 * @throws S3Error InvalidPart, InvalidPartOrder, InvalidRequest, BadDigest
 */
export async function joinParts(
  store: Parts,
  upload: Upload,
  parts: readonly CompletedPart[],
  whole: IncomingFile,
  promise: WholePromise,
  signal: AbortSignal,
): Promise<WholeFacts> {
  const stored = requireParts(store, upload, parts);
  const sizeBytes = stored.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (promise.sizeBytes !== null && promise.sizeBytes !== sizeBytes)
    throw new S3Error(
      'InvalidRequest',
      400,
      `The parts have ${sizeBytes} bytes, not as many as x-amz-mp-object-size says.`,
    );
  const algorithm = upload.algorithm ?? promise.checksum?.algorithm ?? null;
  const isComposite = upload.algorithm !== null && upload.checksumType === 'COMPOSITE';
  const full = algorithm === null || isComposite ? null : createChecksum(algorithm);
  for (const part of stored) {
    const md5 = createHash('md5');
    const content = await openPart(store.contentOf(upload, part), part.number);
    for await (const piece of piecesOf(content, null, signal)) {
      whole.write(piece);
      md5.update(piece);
      full?.update(piece);
      await whole.flush();
    }
    // A disk may have changed what it was given.
    if (md5.digest('hex') !== part.md5) throw invalidPart(part.number);
  }
  const checksum =
    algorithm !== null && isComposite
      ? compositeChecksum(
          algorithm,
          stored.map((part) => part.checksums),
        )
      : full?.digest();
  if (promise.checksum !== null && !isPromised(promise.checksum, algorithm, checksum))
    throw new S3Error('BadDigest', 400, 'The object does not match the checksum in the request.');
  return {
    eTag: eTagOfParts(parts),
    parts: runsOf(stored.map((part) => part.sizeBytes)),
    checksums: algorithm === null || checksum === undefined ? {} : { [algorithm]: checksum },
  };
}

/** The ETag of an object in parts: the MD5 of the parts' MD5s, and the number of parts. */
export function eTagOfParts(parts: readonly Pick<CompletedPart, 'eTag'>[]): string {
  const together = createHash('md5').update(Buffer.from(parts.map(({ eTag }) => eTag).join(''), 'hex'));
  return `${together.digest('hex')}-${parts.length}`;
}

/** Clients leave the number of parts behind a composite checksum away, or not. */
function isPromised(
  { algorithm, value }: { readonly algorithm: ChecksumAlgorithm; readonly value: string },
  computed: ChecksumAlgorithm | null,
  checksum: string | undefined,
): boolean {
  return algorithm === computed && (checksum === value || checksum?.replace(/-\d+$/, '') === value);
}

/** @returns the parts, which must be there as the client says, and in order */
function requireParts(store: Parts, upload: Upload, parts: readonly CompletedPart[]): StoredPart[] {
  return parts.map(({ number, eTag, checksums }, index) => {
    const before = parts[index - 1];
    if (before !== undefined && before.number >= number)
      throw new S3Error('InvalidPartOrder', 400, 'The parts are not in ascending order.');
    const part = store.part(upload, number);
    const differs = Object.entries(checksums).some(([algorithm, value]) => {
      const known = part?.checksums[algorithm as ChecksumAlgorithm];
      return known !== undefined && known !== value;
    });
    if (part === null || part.md5 !== eTag || differs) throw invalidPart(number);
    return part;
  });
}

function invalidPart(number: number): S3Error {
  return new S3Error('InvalidPart', 400, `The part ${number} is missing, or is another one.`);
}

/** @throws S3Error InvalidPart when the upload was completed, given up, or given this part anew by somebody else meanwhile */
async function openPart(path: string, number: number): Promise<OpenContent> {
  const content = await openContent(path);
  if (content === null) throw invalidPart(number);
  return content;
}
