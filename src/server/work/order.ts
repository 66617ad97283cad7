/** Result of carrying out an order. Types only. Pure. */
import type { OrderRow } from '../store/schema.ts';

/** Where an order stands after a call. */
export type Progress = Standing &
  (
    | { readonly ending: 'later'; readonly inMs: number }
    | { readonly ending: 'Succeeded' | 'Failed'; readonly message: string }
  );

export interface Standing {
  /** For the next call; null: nothing. */
  readonly memory: unknown;
  /** null: no call was made. */
  readonly lastCall: string | null;
  readonly lastAnswer: string | null;
}

/** Makes the next call of an order. It does not wait: the order says when it wants to be looked at again. */
export type OrderHandler = (order: OrderRow, signal: AbortSignal) => Promise<Progress>;
