/** Messages between the server and the thread that lists a bundle. Everything is plain data. */
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';

export interface LookLimits {
  readonly maxEntries: number;
  /** Bytes of the bundle that are read. */
  readonly maxReadBytes: number;
  /** Bytes that come of them once they are decompressed. */
  readonly maxUnpackedBytes: number;
  readonly maxAppSpecBytes: number;
  readonly maxMs: number;
}

/** Data that the thread is started with. */
export interface LookTask {
  readonly format: 'zip' | 'tar';
  readonly sizeBytes: number;
  readonly limits: LookLimits;
}

export interface AppSpecText {
  readonly path: string;
  readonly text: string;
  /** false: the text is the beginning of a longer one. */
  readonly isComplete: boolean;
}

/** What was found, as far as the limits allowed. */
export interface BundleList {
  readonly files: readonly RevisionFileRecord[];
  readonly appSpec: AppSpecText | null;
  /** Why there may be more than this; null: this is all. */
  readonly stoppedBecause: string | null;
}

export type FromThread =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'done'; readonly list: BundleList };

/** Answer to a `range`: its bytes, or why there are none. */
export type ToThread = { readonly bytes: Uint8Array } | { readonly fault: string };

/** Bytes of the bundle. They end early where the bundle does. @throws StoppedLook */
export type ReadRange = (from: number, to: number) => Promise<Uint8Array>;

/** The look ends here, and keeps what it has found. */
export class StoppedLook extends Error {
  override readonly name = 'StoppedLook';
}
