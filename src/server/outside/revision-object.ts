/** Where the server reads a revision from that it has to understand itself. Types only. Pure. */

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
  /** null: the newest. */
  readonly version: string | null;
}

export interface RevisionObject {
  readonly bytes: Buffer;
  /** Without quotes. */
  readonly eTag: string;
}

/**
 * @param maxBytes an object that is longer is not read
 * @returns null: there is nothing; `too large`: it is longer than `maxBytes`
 */
export type ReadObject = (
  place: ObjectPlace,
  maxBytes: number,
  signal: AbortSignal,
) => Promise<RevisionObject | 'too large' | null>;
