/**
 * Result of carrying out an order: a piece of work outside of the database, such as calls to a balancer, that servers take in turns. Types
 * only. Pure.
 */
import type { OrderRow } from '../store/schema.ts';

/** Where an order stands after a call. */
export type Progress = Standing &
  (
    | { readonly ending: 'later'; readonly inMs: number }
    | {
        readonly ending: 'Succeeded' | 'Failed';
        readonly message: string;
        /** Time until a server looks at the result again, in ms; absent: never, or the order has failed. */
        readonly keepInMs?: number;
      }
  );

export interface Standing {
  /** State that the next call gets; null: none. */
  readonly memory: unknown;
  /** null: no call was made. */
  readonly lastCall: string | null;
  readonly lastAnswer: string | null;
  /** Facts about the target that the API shows from now on; absent: they stay as they are. */
  readonly details?: object;
}

/** Facts that a handler gets for one call. */
export interface OrderCall {
  /** Ends the call: its time is over, its lease is lost, or the server stops. */
  readonly signal: AbortSignal;
  /**
   * Stores what another server must know if this one is killed during the call.
   *
   * @param call description of the call that comes next
   * @throws Error when another server has the order now: the call must not be made
   */
  remember(memory: unknown, call: string): Promise<void>;
}

/** Makes the next call of an order. It does not wait: the order says when it wants to be looked at again. */
export type OrderHandler = (order: OrderRow, call: OrderCall) => Promise<Progress>;
