/**
 * Outcomes on their way to the control endpoint. Each is noted down in the ledger before it gets here. It is sent until the endpoint has
 * accepted or refused it, now or after the next start.
 */
import type { Logger } from '../logging/logger.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import type { Ledger } from './ledger.ts';
import type { RetryGate } from './retry-gate.ts';

export interface OutboxContext {
  readonly client: Pick<HostCommandClient, 'complete'>;
  readonly ledger: Pick<Ledger, 'find' | 'settle'>;
  readonly gate: Pick<RetryGate, 'ask'>;
  readonly log: Logger;
}

/** Whether the endpoint took an outcome, or will never take it. */
export type ReportAnswer = 'taken' | 'refused';

export interface Outbox {
  /** Sends the outcome that the ledger has for a command. @param onAnswered told when the endpoint has answered for good */
  send(hostCommandIdentifier: string, onAnswered?: (answer: ReportAnswer) => void): void;
  /** Resolves when nothing is on its way any more. */
  drained(): Promise<void>;
  /** Gives up what is on its way; the next start takes it up again. */
  close(): void;
}

export function createOutbox(ctx: OutboxContext): Outbox {
  const underWay = new Map<string, Promise<void>>();
  const closing = new AbortController();
  return {
    send(id, onAnswered) {
      if (underWay.has(id) || closing.signal.aborted) return;
      const delivery = deliver(ctx, id, closing.signal).then((answer) => {
        underWay.delete(id);
        if (answer !== null) onAnswered?.(answer);
      });
      underWay.set(id, delivery);
    },
    async drained() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    close: () => closing.abort(),
  };
}

/** Never throws. @returns null: it was given up */
async function deliver(ctx: OutboxContext, id: string, signal: AbortSignal): Promise<ReportAnswer | null> {
  const say = (error: unknown, failures: number, waitMs: number) => {
    const level = failures === 1 ? 'warn' : 'debug';
    ctx.log[level]('the outcome of a command could not be reported and is sent again', {
      ...{ hostCommandIdentifier: id, waitMs: Math.round(waitMs), error },
    });
  };
  try {
    await ctx.gate.ask({
      ...{ operation: 'report', about: id, tries: Number.POSITIVE_INFINITY, signal, isFinal: isRefusal, onFailed: say },
      async ask() {
        const outcome = ctx.ledger.find(id)?.outcome ?? null;
        if (outcome !== null) await ctx.client.complete(id, outcome, signal);
      },
    });
    ctx.ledger.settle(id);
    return 'taken';
  } catch (error) {
    if (signal.aborted) return null;
    ctx.log.warn('the control endpoint does not take the outcome of a command', { hostCommandIdentifier: id, error });
    ctx.ledger.settle(id);
    return 'refused';
  }
}

/** Whether sending it again is pointless: the service understood and said no. Wrong clocks and expired keys can become right. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof RemoteApiError &&
    error.isRefusal &&
    (error.type === 'ClientException' || error.type === 'ValidationException')
  );
}
