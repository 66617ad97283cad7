/** Result of carrying out an order. Types only. Pure. */
import type { OrderRow } from '../store/schema.ts';

/** Where an order stands after a call. */
export type Progress = Standing &
  (
    | { readonly ending: 'later'; readonly inMs: number }
    | {
        readonly ending: 'Succeeded' | 'Failed';
        readonly message: string;
        /** The order's keeper looks at it again then; absent: nobody does, or it has failed. */
        readonly keepInMs?: number;
      }
  );

export interface Standing {
  /** For the next call; null: nothing. */
  readonly memory: unknown;
  /** null: no call was made. */
  readonly lastCall: string | null;
  readonly lastAnswer: string | null;
  /** Facts about the target that the API shows from now on; absent: those that it shows already. */
  readonly details?: object;
}

/** Facts that a handler gets for one call. */
export interface OrderCall {
  /** Ends the call: its time is over, its lease is lost, or the server stops. */
  readonly signal: AbortSignal;
  /**
   * Writes down what must be known if the server is killed during the call.
   *
   * @param call that is about to be made, in words
   * @throws Error when somebody else has the order now: the call must not be made
   */
  remember(memory: unknown, call: string): Promise<void>;
}

/** Makes the next call of an order. It does not wait: the order says when it wants to be looked at again. */
export type OrderHandler = (order: OrderRow, call: OrderCall) => Promise<Progress>;
