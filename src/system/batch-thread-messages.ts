/** Messages between a thread that hands out batches and the one that carries them out. Everything is plain data. */
import type { ErrorCode } from '../errors.ts';

/** Numbers that both see at once, by what they tell; all begin as 0. */
export const counter = {
  /** 1: the thread is there. */
  isReady: 0,
  /** Batches that the thread is through with. */
  done: 1,
  /** 1: a batch could not be carried out. */
  hasFailed: 2,
  /** 1: the thread begins no more batch. */
  isStopped: 3,
} as const;
export const COUNTERS = 4;

export interface ThreadSettings<Settings> {
  readonly settings: Settings;
  readonly counters: Int32Array<SharedArrayBuffer>;
}

/** `settle` is answered when every batch before it is done. */
export type ToThread<Batch> = { readonly batch: Batch } | 'settle';

/** Why a batch could not be carried out; null: all were. */
export type FromThread = { readonly code: ErrorCode; readonly message: string; readonly remedy: string } | null;
