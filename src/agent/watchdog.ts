/**
 * Keeps systemd from ending this agent (`WatchdogSec=` of its unit) as long as the poll loop goes on, and no longer.
 *
 * A process that stands still says nothing, and systemd starts it anew. A loop that waits for something that never comes would look alive;
 * so the loop tells when it moves. A slow network is no reason: each step of the loop ends by limits of its own, which are shorter.
 */
import type { AgentConfig } from '../config/agent-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';

export interface LoopWatch {
  /** The loop goes on to its next step, which takes its own time limit at most. */
  moved(): void;
  /** Notes that the loop waits for a command to end, which may take hours, or that the loop has ended. */
  rests(): void;
  /** Since when the loop should have moved; milliseconds, 0: it is in good order. */
  overdueMs(): number;
}

/** Over the limits of a step: a service that throttles may ask for a pause of five minutes, to which chance adds a quarter. */
const GRACE_MS = 10 * 60_000;

type StepLimits = Pick<
  AgentConfig,
  'httpReadTimeoutSeconds' | 'waitBetweenRunsSeconds' | 'waitBetweenRunsActiveSeconds'
>;

/** How long one call to the endpoint, or one pause, may take; milliseconds. */
export function longestStepMs(config: StepLimits): number {
  const { httpReadTimeoutSeconds, waitBetweenRunsSeconds, waitBetweenRunsActiveSeconds } = config;
  return 1000 * Math.max(httpReadTimeoutSeconds, waitBetweenRunsSeconds, waitBetweenRunsActiveSeconds ?? 0);
}

/** @param limitMs of a step */
export function createLoopWatch(clock: Pick<Clock, 'now'>, limitMs: number): LoopWatch {
  let dueMs: number | null = null;
  return {
    moved() {
      dueMs = clock.now() + limitMs + GRACE_MS;
    },
    rests() {
      dueMs = null;
    },
    overdueMs: () => (dueMs === null ? 0 : Math.max(0, clock.now() - dueMs)),
  };
}

export interface WatchdogContext {
  readonly watch: Pick<LoopWatch, 'overdueMs'>;
  /** WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  notify(state: 'WATCHDOG=1'): Promise<void>;
}

/**
 * Tells systemd three times in each interval that the loop goes on, until the signal aborts. While the loop is stuck, nothing is said. A
 * loop that moves again before systemd has ended the agent was slow, and is reported as before.
 */
export async function tellWatchdog(ctx: WatchdogContext, signal: AbortSignal): Promise<void> {
  const intervalMs = watchdogIntervalMs(ctx.env, ctx.pid);
  if (intervalMs === null) return;
  let wasStuck = false;
  while (!signal.aborted) {
    const overdueMs = ctx.watch.overdueMs();
    const isStuck = overdueMs > 0;
    if (isStuck && !wasStuck) {
      ctx.log.error('the poll loop is stuck; systemd is left to start the agent anew', {
        overdueSeconds: Math.round(overdueMs / 1000),
      });
    }
    if (wasStuck && !isStuck) ctx.log.warn('the poll loop moves again; systemd is told so', {});
    wasStuck = isStuck;
    if (!isStuck) await ctx.notify('WATCHDOG=1');
    await ctx.clock.sleep(intervalMs / 3, signal);
  }
}

/**
 * @returns how often systemd wants to hear; null: it does not watch this process
 * @see sd_watchdog_enabled(3)
 */
export function watchdogIntervalMs(env: WatchdogContext['env'], pid: number): number | null {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = env;
  if (microseconds === undefined || !/^[1-9]\d{0,15}$/.test(microseconds)) return null;
  if (watched !== undefined && watched !== String(pid)) return null;
  return Number(microseconds) / 1000;
}
