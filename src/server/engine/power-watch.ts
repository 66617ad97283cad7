import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { lostPowersOf, powerfulKeys } from '../store/powers.ts';
import type { Store, StoreReader } from '../store/store.ts';
import type { Waiters } from './waiters.ts';

export interface PowerWatchContext {
  readonly store: Pick<Store, 'db'>;
  readonly waiters: Pick<Waiters, 'waiting' | 'wake' | 'size'>;
  /** Transfers, which also go on for as long as their keys have power. */
  readonly transfers: { underWay(): readonly KeyInUse[] };
  readonly clock: Clock;
  readonly log: Logger;
}

export interface KeyInUse {
  readonly accessKeyId: string;
  /** Called once the key has no power any more. */
  end(): void;
}

/** A poll or a transfer outlives its key by no more than this. */
const LOOK_MS = 1_000;
/**
 * Number of looks at the keys in use after each loss of power, wherever it was. A request that was let in just before may take a moment
 * until it counts as in use.
 */
const LOOKS_AFTER_LOSS = 5;
/** Without any loss the keys in use are looked at this seldom. Not needed, and cheap. */
const LOOKS_BETWEEN = 60;

/**
 * Ends the polls and the transfers of keys that have lost their power, whoever took it. This server announces a loss at once, but `slipway
 * keys disable` is another process, and on PostgreSQL there may be other servers. The polls are only woken; they look for themselves.
 */
export function startPowerWatch(ctx: PowerWatchContext): Repeated {
  let failures = 0;
  let known: string | null = null;
  let sinceLoss = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async () => {
    if (ctx.waiters.size === 0 && ctx.transfers.underWay().length === 0) return;
    try {
      const lost = await lostPowersOf(ctx.store.db);
      sinceLoss = lost === known ? sinceLoss + 1 : 0;
      if (sinceLoss < LOOKS_AFTER_LOSS || sinceLoss % LOOKS_BETWEEN === 0)
        await endPowerless(ctx.store.db, keysInUse(ctx));
      // Only now: a look that failed is made again.
      known = lost;
      failures = 0;
    } catch (error) {
      failures += 1;
      // Said once: a database that is down stays down for many looks.
      if (failures === 1) ctx.log.error('the keys in use could not be looked at just now', { error });
    }
  });
}

async function endPowerless(db: StoreReader, inUse: readonly KeyInUse[]): Promise<void> {
  const powerful = await powerfulKeys(db, [...new Set(inUse.map(({ accessKeyId }) => accessKeyId))]);
  for (const { accessKeyId, end } of inUse) if (!powerful.has(accessKeyId)) end();
}

function keysInUse({ waiters, transfers }: PowerWatchContext): readonly KeyInUse[] {
  const polls = waiters
    .waiting()
    .map(({ hostArn, accessKeyId }) => ({ accessKeyId, end: () => waiters.wake(hostArn) }));
  return [...polls, ...transfers.underWay()];
}
