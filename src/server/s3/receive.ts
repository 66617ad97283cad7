/** Takes bodies in, and makes sure that each is the one that was signed and promised. */
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import {
  algorithmOf,
  type Checksum,
  type ChecksumAlgorithm,
  type Checksums,
  checksumHeader,
  createChecksum,
} from './checksums.ts';
import { createChunkedReader } from './chunked-body.ts';
import type { IncomingFile } from './incoming-file.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { MAX_XML_BYTES, malformed } from './xml.ts';

/**
 * Writes a body into a file.
 *
 * @param alsoCompute an algorithm whose value is wanted although the client promises none
 * @returns the checksums that were promised, and hold, and the one that was asked for
 * @throws S3Error IncompleteBody, XAmzContentSHA256Mismatch, BadDigest, InvalidRequest
 */
export async function receiveFile(
  request: S3Request,
  content: IncomingFile,
  alsoCompute: ChecksumAlgorithm | null = null,
): Promise<Checksums> {
  const promise = readPromise(request.headers);
  const checksums = new Map<ChecksumAlgorithm, Checksum>();
  for (const algorithm of [promise.algorithm, alsoCompute])
    if (algorithm !== null) checksums.set(algorithm, createChecksum(algorithm));
  const take = (piece: Buffer) => {
    content.write(piece);
    for (const checksum of checksums.values()) checksum.update(piece);
  };
  const trailers = await receive(request, take, () => content.flush());
  requireLength(request.headers['x-amz-decoded-content-length'], content.sizeBytes);
  requireMd5(request.headers['content-md5'], Buffer.from(content.md5(), 'hex'));
  const found = Object.fromEntries([...checksums].map(([algorithm, checksum]) => [algorithm, checksum.digest()]));
  requireChecksum(promise, trailers, found);
  return found;
}

/** A body that is XML, as text. @throws S3Error as `receiveFile`; MalformedXML when it is too long, or not UTF-8 */
export async function receiveText(request: S3Request): Promise<string> {
  const promise = readPromise(request.headers);
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  const trailers = await receive(request, (piece) => {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_XML_BYTES) throw malformed(`it is longer than ${MAX_XML_BYTES} bytes`);
    pieces.push(piece);
  });
  const body = Buffer.concat(pieces);
  requireLength(request.headers['x-amz-decoded-content-length'], sizeBytes);
  requireMd5(request.headers['content-md5'], createHash('md5').update(body).digest());
  // On the request that completes an upload a checksum is of the object, not of this text.
  if (promise.isInTrailer) {
    const checksum = createChecksum(promise.algorithm);
    checksum.update(body);
    requireChecksum(promise, trailers, { [promise.algorithm]: checksum.digest() });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('it is not UTF-8');
  }
}

/** Reads a body that must be empty, to its end. @throws S3Error InvalidRequest */
export async function receiveNothing(request: S3Request): Promise<void> {
  const promise = readPromise(request.headers);
  const trailers = await receive(request, () => {
    throw new S3Error('InvalidRequest', 400, 'This request has no body in S3, and one came. Nothing was changed.');
  });
  if (promise.algorithm !== null)
    requireChecksum(promise, trailers, { [promise.algorithm]: createChecksum(promise.algorithm).digest() });
}

/** @param flush is waited for after each chunk that came @returns trailers of a chunked body */
async function receive(
  { message, body, requireStillAllowed, signal }: S3Request,
  onContent: (piece: Buffer) => void,
  flush: () => Promise<void> = async () => undefined,
): Promise<ReadonlyMap<string, string>> {
  const hash = body.sha256 === null ? null : createHash('sha256');
  const reader = body.chunked === 'no' ? null : createChunkedReader(body.signing, onContent);
  const take = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash?.update(chunk);
      if (reader === null) onContent(chunk);
      else reader.write(chunk);
      await flush();
    }
  };
  try {
    // Also a body of which nothing comes any more is left when the key loses its power.
    await pipeline(message, take, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  if (!message.complete) throw new S3Error('IncompleteBody', 400, 'The body ends too early.');
  const trailers = reader?.end() ?? new Map<string, string>();
  if (hash !== null && hash.digest('hex') !== body.sha256)
    throw new S3Error('XAmzContentSHA256Mismatch', 400, 'The body that came is not the body that was signed.');
  await requireStillAllowed();
  return trailers;
}

type ChecksumPromise =
  | { readonly algorithm: null; readonly isInTrailer: false; readonly value: null }
  | { readonly algorithm: ChecksumAlgorithm; readonly isInTrailer: boolean; readonly value: string | null };

/** The one checksum that a request promises, in a header or for its trailer. @throws S3Error InvalidRequest */
export function readPromise(headers: Readonly<Record<string, string>>): ChecksumPromise {
  const inHeaders = Object.keys(headers).filter((name) => algorithmOf(name) !== null);
  const trailer = headers['x-amz-trailer']?.trim().toLowerCase();
  if (trailer !== undefined && algorithmOf(trailer) === null)
    throw new S3Error('NotImplemented', 501, `The trailer '${trailer.slice(0, 100)}' is not known here.`);
  const [name, ...others] = trailer === undefined ? inHeaders : [...inHeaders, trailer];
  if (others.length > 0)
    throw new S3Error('InvalidRequest', 400, 'A request has one checksum at most, and this one has several.');
  const algorithm = name === undefined ? null : algorithmOf(name);
  const announced = headers['x-amz-sdk-checksum-algorithm']?.toUpperCase();
  if (announced !== undefined && (algorithm === null || announced !== algorithm))
    throw new S3Error(
      'InvalidRequest',
      400,
      `x-amz-sdk-checksum-algorithm is '${announced.slice(0, 40)}', and no such checksum comes with the request.`,
    );
  if (name === undefined || algorithm === null) return { algorithm: null, isInTrailer: false, value: null };
  return { algorithm, isInTrailer: name === trailer, value: headers[name] ?? null };
}

function requireChecksum(promise: ChecksumPromise, trailers: ReadonlyMap<string, string>, found: Checksums): void {
  const expected = promise.algorithm === null ? null : checksumHeader(promise.algorithm);
  for (const name of trailers.keys()) {
    if (!promise.isInTrailer || name !== expected)
      throw new S3Error('InvalidRequest', 400, `The trailer ${name.slice(0, 100)} was not announced by x-amz-trailer.`);
  }
  if (promise.algorithm === null || expected === null) return;
  const value = promise.isInTrailer ? (trailers.get(expected) ?? null) : promise.value;
  if (value === null) throw new S3Error('InvalidRequest', 400, `The trailer ${expected} was announced and is missing.`);
  if (value !== found[promise.algorithm])
    throw new S3Error('BadDigest', 400, `The body does not match its ${expected}. Nothing was stored: send it again.`);
}

function requireLength(promised: string | undefined, sizeBytes: number): void {
  const expected = readSize('x-amz-decoded-content-length', promised);
  if (expected !== null && expected !== sizeBytes)
    throw new S3Error('IncompleteBody', 400, `${sizeBytes} of ${expected} bytes came.`);
}

/** A number of bytes in a header, written in digits. @returns null: there is none @throws S3Error InvalidArgument */
export function readSize(header: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new S3Error('InvalidArgument', 400, `${header} must be a number of bytes, but is '${value.slice(0, 40)}'.`);
}

function requireMd5(promised: string | undefined, found: Buffer): void {
  if (promised === undefined) return;
  if (!/^[A-Za-z0-9+/]{22}==$/.test(promised))
    throw new S3Error('InvalidDigest', 400, 'The Content-MD5 is not an MD5 sum in base64.');
  if (found.toString('base64') !== promised)
    throw new S3Error('BadDigest', 400, 'The body does not match its Content-MD5. Nothing was stored: send it again.');
}
