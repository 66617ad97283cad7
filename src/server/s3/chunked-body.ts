/**
 * Bodies that come in chunks: `aws-chunked`, as AWS clients send streams whose hash they do not know yet.
 *
 *   <size in hex>[;chunk-signature=<signature>]\r\n <content> \r\n … 0[;chunk-signature=…]\r\n [trailer: value\r\n]* \r\n
 *
 * @see "Signature calculations for the Authorization header: Transferring payload in multiple chunks" of the S3 API reference
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './s3-error.ts';

/** Inputs of the chunk signatures; null for a stream whose chunks are not signed. */
export interface ChunkSigning {
  readonly key: Buffer;
  readonly seedSignature: string;
  readonly date: string;
  readonly scope: string;
  /** Whether the trailer is signed, too, and must be there. */
  readonly hasTrailer: boolean;
}

export interface ChunkedReader {
  write(chunk: Buffer): void;
  /** @returns the trailers, names in lower case @throws S3Error IncompleteBody when the last chunk has not come */
  end(): ReadonlyMap<string, string>;
}

const MAX_LINE = 4096;
const MAX_TRAILERS = 16;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';
const EMPTY_SHA256 = createHash('sha256').update('').digest('hex');

/** @param onContent is given the content without its wrapping; content of a chunk whose signature is wrong may come before the error */
export function createChunkedReader(signing: ChunkSigning | null, onContent: (content: Buffer) => void): ChunkedReader {
  let state: 'size' | 'content' | 'content-end' | 'trailer' | 'done' = 'size';
  let line = '';
  let left = 0;
  let claimed = '';
  let chunkHash = createHash('sha256');
  const signatures = signing === null ? null : createSignatures(signing);
  const trailers = new Map<string, string>();

  const takeLine = (text: string) => {
    switch (state) {
      case 'size': {
        const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(text);
        if (match === null) throw malformed('a chunk does not begin with its size');
        left = Number.parseInt(match[1] ?? '0', 16);
        claimed = match[2] ?? '';
        chunkHash = createHash('sha256');
        state = left > 0 ? 'content' : 'trailer';
        if (left === 0) signatures?.verifyChunk(chunkHash.digest('hex'), claimed);
        return;
      }
      case 'content-end':
        if (text !== '') throw malformed('a chunk is longer than its size');
        signatures?.verifyChunk(chunkHash.digest('hex'), claimed);
        state = 'size';
        return;
      case 'trailer':
        if (text === '') state = 'done';
        else takeTrailer(trailers, text);
        return;
      default:
        throw malformed('something follows the last chunk');
    }
  };

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (state === 'content') {
          const piece = chunk.subarray(at, at + left);
          chunkHash.update(piece);
          onContent(piece);
          at += piece.length;
          left -= piece.length;
          if (left === 0) state = 'content-end';
          continue;
        }
        if (state === 'done') throw malformed('something follows the last chunk');
        const end = chunk.indexOf(0x0a, at);
        line += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
        if (line.length > MAX_LINE) throw malformed('a line between chunks is too long');
        if (end < 0) return;
        at = end + 1;
        const text = line.endsWith('\r') ? line.slice(0, -1) : line;
        line = '';
        takeLine(text);
      }
    },
    end() {
      // Some clients leave the last empty line out when there is no trailer.
      if (state !== 'done' && (state !== 'trailer' || line !== ''))
        throw new S3Error('IncompleteBody', 400, 'The body ends in the middle of a chunk.');
      signatures?.verifyTrailer(trailers);
      trailers.delete(TRAILER_SIGNATURE);
      return trailers;
    },
  };
}

function takeTrailer(trailers: Map<string, string>, text: string): void {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(0, colon)).trim().toLowerCase();
  if (name === '') throw malformed('a trailer has no name');
  if (trailers.has(name)) throw malformed(`the trailer ${name} comes more than once`);
  if (trailers.size === MAX_TRAILERS) throw malformed(`it has more than ${MAX_TRAILERS} trailers`);
  trailers.set(name, text.slice(colon + 1).trim());
}

/** Each signature covers the one before it: chunks cannot be left out, put in, or exchanged. */
function createSignatures({ key, seedSignature, date, scope, hasTrailer }: ChunkSigning) {
  let before = seedSignature;
  const verify = (kind: string, hashes: readonly string[], claimed: string, what: string) => {
    const text = [kind, date, scope, before, ...hashes].join('\n');
    const expected = createHmac('sha256', key).update(text).digest('hex');
    if (claimed.length !== expected.length || !timingSafeEqual(Buffer.from(claimed), Buffer.from(expected)))
      throw new S3Error('SignatureDoesNotMatch', 403, `The signature of ${what} does not match its content.`);
    before = expected;
  };
  return {
    verifyChunk: (hash: string, claimed: string) =>
      verify('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_SHA256, hash], claimed, 'a chunk of the body'),
    verifyTrailer(trailers: ReadonlyMap<string, string>) {
      if (!hasTrailer) {
        if (trailers.size > 0) throw malformed('it has a trailer, and x-amz-content-sha256 names none');
        return;
      }
      const lines = [...trailers]
        .filter(([name]) => name !== TRAILER_SIGNATURE)
        .map(([name, value]) => `${name}:${value}\n`);
      const hash = createHash('sha256').update(lines.join('')).digest('hex');
      verify('AWS4-HMAC-SHA256-TRAILER', [hash], trailers.get(TRAILER_SIGNATURE) ?? '', 'the trailer');
    },
  };
}

function malformed(why: string): S3Error {
  return new S3Error('InvalidRequest', 400, `The body is not aws-chunked: ${why}.`);
}
