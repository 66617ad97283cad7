/** The parts of an upload, and the whole that becomes of them. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { systemErrorCode } from '../../errors.ts';
import { type ChecksumAlgorithm, type Checksums, createChecksum } from './checksums.ts';
import { type IncomingFile, readIfThere } from './incoming-file.ts';
import { S3Error } from './s3-error.ts';

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

/** What is known of a part when it is there whole. */
export interface PartSums {
  readonly md5: string;
  readonly sizeBytes: number;
  readonly checksums: Checksums;
}

/** What is known of the whole. */
export interface WholeFacts {
  /** Of the kind that objects in parts have. */
  readonly eTag: string;
  readonly checksums: Checksums;
}

const COPY_BYTES = 1024 * 1024;

/**
 * Copies the parts of an upload one behind the other, a piece at a time, so that others are served between the pieces: a large object takes
 * minutes.
 *
 * @param folder where the parts are
 * @param whole what they are written into
 * @param signal its reason is thrown when it aborts
 * @throws S3Error InvalidPart, InvalidPartOrder, InvalidRequest, BadDigest
 */
export async function joinParts(
  folder: string,
  parts: readonly CompletedPart[],
  whole: IncomingFile,
  promise: WholePromise,
  signal: AbortSignal,
): Promise<WholeFacts> {
  const sums = requireParts(folder, parts);
  const sizeBytes = sums.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (promise.sizeBytes !== null && promise.sizeBytes !== sizeBytes)
    throw new S3Error(
      'InvalidRequest',
      400,
      `The parts have ${sizeBytes} bytes, not as many as x-amz-mp-object-size says.`,
    );
  const checksum = promise.checksum === null ? null : createChecksum(promise.checksum.algorithm);
  for (const [index, { number }] of parts.entries()) {
    const md5 = createHash('md5');
    for await (const piece of piecesOf(join(folder, String(number)), number)) {
      signal.throwIfAborted();
      whole.write(piece);
      md5.update(piece);
      checksum?.update(piece);
    }
    // Somebody may have sent it anew meanwhile.
    if (md5.digest('hex') !== sums[index]?.md5) throw invalidPart(number);
  }
  const found = promise.checksum === null ? {} : { [promise.checksum.algorithm]: checksum?.digest() ?? '' };
  if (promise.checksum !== null && promise.checksum.value !== found[promise.checksum.algorithm])
    throw new S3Error('BadDigest', 400, 'The object does not have the checksum that was promised.');
  const together = createHash('md5').update(Buffer.from(sums.map(({ md5 }) => md5).join(''), 'hex'));
  return { eTag: `${together.digest('hex')}-${parts.length}`, checksums: found };
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
    if (!isThis || differs) throw invalidPart(number);
    return sums;
  });
}

function invalidPart(number: number): S3Error {
  return new S3Error('InvalidPart', 400, `The part ${number} is missing, or is another one.`);
}

/** Each piece is to be used before the next one is asked for: they share their memory. */
async function* piecesOf(path: string, number: number): AsyncGenerator<Buffer> {
  const file = openPart(path, number);
  try {
    const buffer = Buffer.alloc(COPY_BYTES);
    for (;;) {
      const read = readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) return;
      yield buffer.subarray(0, read);
      await setImmediate();
    }
  } finally {
    closeSync(file);
  }
}

function openPart(path: string, number: number): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    // The upload was completed or given up by somebody else meanwhile.
    if (systemErrorCode(error) === 'ENOENT') throw invalidPart(number);
    throw error;
  }
}
