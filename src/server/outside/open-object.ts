/** Reads an object of a store in pieces. Types only. Pure. */
import type { ObjectPlace } from './revision-object.ts';

export interface OpenedObject {
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly eTag: string;
  /** Bytes from `from` up to `to`, which does not count; at most those that the object has. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** @returns null: there is nothing */
export type OpenObject = (place: ObjectPlace, signal: AbortSignal) => Promise<OpenedObject | null>;
