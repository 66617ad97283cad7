/** Interface of a store from which bundles can be downloaded in pieces. */
import type { Readable } from 'node:stream';
import type { SlipwayError } from '../errors.ts';
import type { ByteRange } from './byte-ranges.ts';
import type { ExpectedDigest } from './content-digest.ts';

export interface DownloadSource {
  /** For messages. */
  readonly name: string;
  /** Name of the place: always the same text for the same place, with no secret in it. */
  readonly identity: string;
  /**
   * Asks for bytes.
   *
   * @param validator the object must still be this one; null: any
   * @throws SlipwayError when asking again would not help; ObjectChanged; anything else is worth another try
   */
  open(range: ByteRange, validator: string | null, signal: AbortSignal): Promise<OpenedRange>;
  /** Digest that the content must have, as far as the answer tells; null: unknown. */
  expectedDigest(opened: OpenedRange, signal: AbortSignal): Promise<ExpectedDigest | null>;
  /** The error when all tries are used up. */
  unreachable(cause: unknown): SlipwayError;
}

export interface OpenedRange {
  readonly body: Readable;
  /** null: the source does not do ranges, and the body is the whole. */
  readonly range: ByteRange | null;
  /** Size of the whole object; null: unknown. */
  readonly sizeBytes: number | null;
  /** A strong ETag without quotes; null: what breaks off has to begin anew. */
  readonly validator: string | null;
  /** ETag without quotes; null: none. */
  readonly eTag: string | null;
  /** The content is stored as the store's own encryption left it, so the ETag is no MD5. */
  readonly hasOpaqueETag: boolean;
}

/** The object is not the one that the download began with. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged';
}
