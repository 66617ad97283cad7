/**
 * Bodies that come in signed chunks: `aws-chunked`, as AWS clients send streams whose hash they do not know yet.
 *
 *   <size in hex>[;chunk-signature=<signature>]\r\n <content> \r\n … 0[;chunk-signature=…]\r\n [trailer: value\r\n]* \r\n
 *
 * @see "Signature calculations for the Authorization header: Transferring payload in multiple chunks" of the S3 API reference
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './s3-error.ts';

/** What chunk signatures are computed from; null for a stream whose chunks are not signed. */
export interface ChunkSigning {
  readonly key: Buffer;
  readonly seedSignature: string;
  readonly date: string;
  readonly scope: string;
}

export interface ChunkedReader {
  write(chunk: Buffer): void;
  /** @throws S3Error IncompleteBody when the last chunk has not come */
  end(): void;
}

const MAX_LINE = 4096;
const EMPTY_SHA256 = createHash('sha256').update('').digest('hex');

/** @param onContent is given the content without its wrapping; content of a chunk whose signature is wrong may come before the error */
export function createChunkedReader(signing: ChunkSigning | null, onContent: (content: Buffer) => void): ChunkedReader {
  let state: 'size' | 'content' | 'content-end' | 'trailer' | 'done' = 'size';
  let line = '';
  let left = 0;
  let claimed = '';
  let before = signing?.seedSignature ?? '';
  let chunkHash = createHash('sha256');
  const checksums = createChecksums();

  const takeLine = (text: string) => {
    if (state === 'size') {
      const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(text);
      if (match === null) throw malformed('a chunk does not begin with its size');
      left = Number.parseInt(match[1] ?? '0', 16);
      claimed = match[2] ?? '';
      chunkHash = createHash('sha256');
      if (left > 0) state = 'content';
      else {
        verifyChunk();
        state = 'trailer';
      }
    } else if (state === 'content-end') {
      if (text !== '') throw malformed('a chunk is longer than its size');
      verifyChunk();
      state = 'size';
    } else if (text === '') {
      state = 'done';
    } else {
      checksums.expect(text);
    }
  };
  const verifyChunk = () => {
    if (signing === null) return;
    const text = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      signing.date,
      signing.scope,
      before,
      EMPTY_SHA256,
      chunkHash.digest('hex'),
    ].join('\n');
    const expected = createHmac('sha256', signing.key).update(text).digest('hex');
    if (claimed.length !== expected.length || !timingSafeEqual(Buffer.from(claimed), Buffer.from(expected))) {
      throw new S3Error(
        'SignatureDoesNotMatch',
        403,
        'The signature of a chunk of the body does not match its content.',
      );
    }
    before = expected;
  };

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (state === 'content') {
          const piece = chunk.subarray(at, at + left);
          chunkHash.update(piece);
          checksums.update(piece);
          onContent(piece);
          at += piece.length;
          left -= piece.length;
          if (left === 0) state = 'content-end';
          continue;
        }
        if (state === 'done') return;
        const end = chunk.indexOf(0x0a, at);
        line += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
        if (line.length > MAX_LINE) throw malformed('a line between chunks is too long');
        if (end < 0) return;
        at = end + 1;
        const text = line.replace(/\r$/, '');
        line = '';
        takeLine(text);
      }
    },
    end() {
      // Some clients leave the last empty line out when there is no trailer.
      if (state !== 'done' && state !== 'trailer')
        throw new S3Error('IncompleteBody', 400, 'The body ends in the middle of a chunk.');
      checksums.verify();
    },
  };
}

interface Checksums {
  update(content: Buffer): void;
  expect(trailer: string): void;
  verify(): void;
}

/** Checksums that a trailer may promise. Others than these are not computed, so they cannot be checked; the ETag still is. */
function createChecksums(): Checksums {
  let crc = 0;
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1');
  const promised = new Map<string, string>();
  return {
    update(content) {
      crc = crc32(content, crc);
      sha256.update(content);
      sha1.update(content);
    },
    expect(trailer) {
      const colon = trailer.indexOf(':');
      promised.set(trailer.slice(0, colon).trim().toLowerCase(), trailer.slice(colon + 1).trim());
    },
    verify() {
      const crcBytes = Buffer.alloc(4);
      crcBytes.writeUInt32BE(crc);
      const found: Readonly<Record<string, () => string>> = {
        'x-amz-checksum-crc32': () => crcBytes.toString('base64'),
        'x-amz-checksum-sha256': () => sha256.digest('base64'),
        'x-amz-checksum-sha1': () => sha1.digest('base64'),
      };
      for (const [name, value] of promised) {
        const compute = found[name];
        if (compute !== undefined && compute() !== value) {
          throw new S3Error('BadDigest', 400, `The body that came does not have the ${name} that was promised.`);
        }
      }
    },
  };
}

function malformed(why: string): S3Error {
  return new S3Error('InvalidRequest', 400, `The body is not aws-chunked: ${why}.`);
}

/** The key of a day, region and service, as Signature Version 4 derives it. */
export function signingKey(secretAccessKey: string, day: string, region: string, service: string): Buffer {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), service), 'aws4_request');
}
