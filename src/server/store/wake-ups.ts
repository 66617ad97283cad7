import type { Transaction } from 'kysely';
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import type { StoreSchema } from './schema.ts';

/** How server processes that share a database tell each other that a host has something to do. */
export interface WakeUps {
  /** Tells all processes, once `tx` is committed and not before. */
  announce(tx: Transaction<StoreSchema>, hostArns: readonly string[]): Promise<void>;
  /**
   * Begins to listen, and goes on however often the connection breaks.
   *
   * @param ctx.onWake called with the ARN of each announced host; with null whenever announcements may have been missed
   */
  listen(ctx: ListenContext): Listener;
}

export interface ListenContext {
  readonly onWake: (hostArn: string | null) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Listener {
  close(): Promise<void>;
}

/** For a database that only one server process uses: whoever makes a command ready wakes its host himself. */
export const wakeUpsOfOneProcess: WakeUps = {
  announce: async () => undefined,
  listen: () => ({ close: async () => undefined }),
};
