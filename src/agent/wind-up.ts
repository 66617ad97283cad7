/** The end of the agent: what runs may finish, and what is finished is reported. */
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Executors } from './executor/executors.ts';
import type { Outbox } from './outbox.ts';

/** How long a stop waits for outcomes to be delivered once no command runs; the next start sends what is left. */
const REPORT_WAIT_MS = 10_000;

interface WindUpContext {
  readonly dispatcher: Dispatcher;
  readonly outbox: Outbox;
  readonly executors: Executors;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Lets running commands finish and be reported, within the limit, or not at all when it is urgent. */
export async function windUp(ctx: WindUpContext, limitMs: number, urgent: AbortSignal): Promise<void> {
  // Waits that have lost their race must not keep the process alive.
  const over = new AbortController();
  const atMost = (ms: number) => ctx.clock.sleep(ms, AbortSignal.any([urgent, over.signal]));
  const isIdle = await Promise.race([ctx.dispatcher.idle().then(() => true), atMost(limitMs).then(() => false)]);
  if (isIdle) {
    await Promise.race([ctx.outbox.drained(), atMost(REPORT_WAIT_MS)]);
  } else {
    ctx.log.warn('commands are left behind; the next start reports them as failed because of the restart', {
      because: urgent.aborted ? 'a second signal came' : 'kill_agent_max_wait_time_seconds is over',
    });
  }
  over.abort();
  ctx.outbox.close();
  await ctx.executors.close();
}
