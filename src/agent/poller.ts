/** The loop: ask, hand over, ask again. */
import type { Logger } from '../logging/logger.ts';
import { type SayingSeldom, saySeldom } from '../logging/seldom.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import type { HostCommand } from '../protocol/host-command/shapes.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { pollBackoffMs } from './backoff.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Pace } from './pace.ts';
import { askedPauseMs, type RetryGate } from './retry-gate.ts';
import type { LoopWatch } from './watchdog.ts';

export interface PollerContext {
  readonly client: Pick<HostCommandClient, 'pollHostCommand' | 'isThrottled'>;
  readonly dispatcher: Pick<Dispatcher, 'accept' | 'hasSlot' | 'isBusy' | 'slotFreed'>;
  readonly pace: Pick<Pace, 'useless' | 'wait'>;
  readonly gate: Pick<RetryGate, 'calm'>;
  readonly hostIdentifier: string;
  readonly waitBetweenRunsMs: number;
  /** The same while commands run. */
  readonly waitBetweenRunsActiveMs: number;
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  readonly log: Logger;
  /** Told what the loop does next. */
  readonly watch?: Pick<LoopWatch, 'moved' | 'rests'>;
  /** Told after each poll that was answered. */
  onAnswered(): void;
  /** Told after each that was not. */
  onFailed?(error: unknown): void;
}

/** So that a fleet that lost its server does not come back as one. */
const BACKOFF_JITTER = 0.1;

/**
 * Polls until the signal aborts, and then ends at once, in the middle of a poll. A command that is lost on the way was not acknowledged and
 * is delivered again.
 */
export async function poll(ctx: PollerContext, signal: AbortSignal): Promise<void> {
  const sayForeign = saySeldom(ctx.log, ctx.clock);
  let failures = 0;
  let duplicates = 0;
  // Until a poll has been answered it is not known whether the service takes this agent's requests: those polls ask not to be held.
  let mayHold = false;
  const nextStep = () => ctx.watch?.moved();
  while (!signal.aborted) {
    if (!ctx.dispatcher.hasSlot) {
      ctx.watch?.rests();
      await Promise.race([ctx.dispatcher.slotFreed(), aborted(signal)]);
      continue;
    }
    nextStep();
    // More commands are of no use to an endpoint that does not answer for those that it has given.
    await ctx.gate.calm(signal);
    if (signal.aborted) return;
    const startedMs = ctx.clock.now();
    let command: HostCommand | null;
    try {
      command = await ctx.client.pollHostCommand(signal, mayHold, nextStep);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      ctx.onFailed?.(error);
      mayHold = false;
      const backoffMs = pollBackoffMs(failures, ctx.clock.now() - startedMs);
      const waitMs = Math.max(backoffMs * (1 + BACKOFF_JITTER * ctx.random.fraction()), askedPauseMs(error));
      // Said once, not every time: an operator reads the log for what changed.
      const say = failures === 1 ? ctx.log.warn : ctx.log.debug;
      say('polling failed; the agent goes on trying (slipway doctor looks for the cause)', {
        failures,
        waitMs: Math.round(waitMs),
        error,
      });
      nextStep();
      await ctx.clock.sleep(waitMs, signal);
      continue;
    }
    if (failures > 0) ctx.log.info('polling works again', { failures });
    failures = 0;
    ctx.onAnswered();
    const acceptance = command === null ? 'nothing' : acceptOwn(ctx, command, sayForeign);
    duplicates = acceptance === 'duplicate' ? duplicates + 1 : 0;
    const askedNotToHold = !mayHold;
    mayHold = true;
    const again = nextPoll(acceptance, duplicates, ctx.client.isThrottled);
    if (again === 'after-pause' && !(askedNotToHold && acceptance === 'nothing')) {
      // A server that has held the poll has paused already.
      const pauseMs = ctx.dispatcher.isBusy ? ctx.waitBetweenRunsActiveMs : ctx.waitBetweenRunsMs;
      const leftMs = pauseMs - (ctx.clock.now() - startedMs);
      nextStep();
      if (leftMs > 0) await ctx.clock.sleep(leftMs, signal);
    }
    nextStep();
    await ctx.pace.wait(startedMs, signal);
  }
}

/** Result of a poll. */
type Acceptance = ReturnType<Dispatcher['accept']> | 'nothing';

/**
 * Whether to ask again at once. One command may be followed by others, and one that comes a second time may stand before others. But a
 * server that sends the same again and again must not be asked without a pause.
 */
export function nextPoll(
  acceptance: Acceptance,
  duplicatesInARow: number,
  isThrottled: boolean,
): 'at-once' | 'after-pause' {
  if (isThrottled) return 'after-pause';
  if (acceptance === 'accepted') return 'at-once';
  return acceptance === 'duplicate' && duplicatesInARow === 1 ? 'at-once' : 'after-pause';
}

function acceptOwn(ctx: PollerContext, command: HostCommand, sayForeign: SayingSeldom): Acceptance {
  // Exactly this host. Official agents accept any part of their own identifier, for which one letter is enough.
  if (!command.CommandName || command.HostIdentifier !== ctx.hostIdentifier) {
    ctx.pace.useless();
    sayForeign('a poll was answered with a command that is not for this host', {
      hostIdentifier: command.HostIdentifier,
      commandName: command.CommandName,
    });
    return 'nothing';
  }
  return ctx.dispatcher.accept(command);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
