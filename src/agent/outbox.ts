/**
 * Outcomes on their way to the control endpoint. Each is on disk in the ledger before it gets here, and is sent until the endpoint has
 * accepted or refused it, now or after the next start.
 */
import type { Logger } from '../logging/logger.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import type { Clock } from '../system/clock.ts';
import { reportBackoffMs } from './backoff.ts';
import type { Ledger } from './ledger.ts';

export interface OutboxContext {
  readonly client: Pick<HostCommandClient, 'complete'>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Outbox {
  /** Sends the outcome that the ledger has for a command. */
  send(hostCommandIdentifier: string): void;
  /** Resolves when nothing is on its way any more. */
  drained(): Promise<void>;
  /** Gives up what is on its way; the next start takes it up again. */
  close(): void;
}

export function createOutbox(ctx: OutboxContext): Outbox {
  const underWay = new Map<string, Promise<void>>();
  const closing = new AbortController();
  return {
    send(id) {
      if (underWay.has(id) || closing.signal.aborted) return;
      underWay.set(
        id,
        deliver(ctx, id, closing.signal).finally(() => underWay.delete(id)),
      );
    },
    async drained() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    close: () => closing.abort(),
  };
}

async function deliver(ctx: OutboxContext, id: string, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const record = ctx.ledger.find(id);
    if (record === null || record.outcome === null) return;
    try {
      await ctx.client.complete(id, record.outcome, signal);
      ctx.ledger.settle(id);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusal(error)) {
        ctx.log.warn('the control endpoint does not take the outcome of a command', {
          hostCommandIdentifier: id,
          error,
        });
        ctx.ledger.settle(id);
        return;
      }
      const waitMs = reportBackoffMs(failures);
      const say = failures === 0 ? ctx.log.warn : ctx.log.debug;
      say('the outcome of a command could not be reported and is sent again', {
        hostCommandIdentifier: id,
        waitMs,
        error,
      });
      await ctx.clock.sleep(waitMs, signal);
    }
  }
}

/** Whether sending it again is pointless: the service understood and said no. Wrong clocks and expired keys can mend. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof RemoteApiError &&
    error.status >= 400 &&
    error.status < 500 &&
    !error.isThrottle &&
    (error.type === 'ClientException' || error.type === 'ValidationException')
  );
}
