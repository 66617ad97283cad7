import type { Logger } from '../logging/logger.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import type { Clock } from '../system/clock.ts';
import type { Ledger } from './ledger.ts';

export interface StillAtWorkContext {
  readonly client: Pick<HostCommandClient, 'update'>;
  readonly ledger: Pick<Ledger, 'inState'>;
  /** When a poll was last answered; milliseconds by `clock`, null: none was. */
  lastAnsweredAtMs(): number | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A server takes a host for lost that owes it a report and is not heard of for five minutes. */
const SAY_MS = 60_000;

/**
 * Says once a minute that a command is still being run, while nothing else says that this host is there. An agent whose places are all
 * taken, or that is about to stop, does not poll. Until the signal aborts. The official agents never send this; a service that does not
 * take it changes nothing.
 */
export async function saySoWhileAtWork(ctx: StillAtWorkContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ctx.clock.sleep(SAY_MS, signal);
    const [oldest] = ctx.ledger.inState('running');
    const answeredAtMs = ctx.lastAnsweredAtMs();
    if (signal.aborted || oldest === undefined) continue;
    if (answeredAtMs !== null && ctx.clock.now() - answeredAtMs < SAY_MS) continue;
    try {
      await ctx.client.update(oldest.hostCommandIdentifier, signal);
    } catch (error) {
      ctx.log.debug('the control endpoint was not told that a command still runs', { error });
    }
  }
}
