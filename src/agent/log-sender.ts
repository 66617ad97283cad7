/**
 * Sends what scripts write to the server while they run, beside the protocol. Nothing waits for it: no script, no command and no report. It
 * holds little, sends one request at a time, and slows down or stops whenever the server says so or does not answer. It leaves out
 * the oldest output first, and the server sees from the positions how much is missing.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { HostCommandClient } from '../protocol/host-command/client.ts';
import { type LogBatch, MOST_LOG_BATCHES, MOST_LOG_BYTES } from '../protocol/host-command/logs.ts';
import type { Clock } from '../system/clock.ts';
import type { OutputWatcher } from './executor/executors.ts';

export interface LogSender extends OutputWatcher {
  /** The answer of a poll says whether the server asks for logs. */
  wanted(areWanted: boolean): void;
  /** Sends what is left, for a moment, and ends. */
  close(): Promise<void>;
}

export interface LogSenderContext {
  /** The operator has switched it off. */
  readonly isOff: boolean;
  readonly send: HostCommandClient['putLogs'];
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Between two requests, so that a host costs a server at most two a second. */
const LEAST_PAUSE_MS = 500;
/** A server that takes longer is busy with something else. */
const ANSWER_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Limit on what waits, in bytes: a few batches of each command that may run. */
const MOST_WAITING_BYTES = 512 * 1024;
/** Time for sending the rest when the agent ends. */
const LAST_WORDS_MS = 1_000;

interface Waiting {
  readonly batch: LogBatch;
  readonly bytes: number;
  readonly taken: () => void;
}

export function createLogSender(ctx: LogSenderContext): LogSender {
  const { clock, log } = ctx;
  const closing = new AbortController();
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let areWanted = false;
  let running: Promise<void> | null = null;
  let failures = 0;

  const leave = (count: number) => {
    for (const { bytes, taken } of waiting.splice(0, count)) {
      waitingBytes -= bytes;
      taken();
    }
  };
  /** Sends what goes into one request. @returns how long to wait before the next; milliseconds */
  const sendSome = async (signal: AbortSignal): Promise<number> => {
    const some = firstOf(waiting);
    try {
      const waitMs = await ctx.send(
        some.map(({ batch }) => batch),
        AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      );
      leaveThose(some);
      if (failures > 0) log.info('the control endpoint takes live logs again', { failures });
      failures = 0;
      return Math.max(LEAST_PAUSE_MS, Math.min(waitMs, LONGEST_WAIT_MS));
    } catch (error) {
      if (signal.aborted) return 0;
      // What the server refuses once it would refuse again.
      if (error instanceof RemoteApiError && error.isRefusal) leaveThose(some);
      if (failures === 0)
        log.warn('live logs cannot be sent just now; deployments go on without', { why: messageOf(error) });
      failures += 1;
      const askedMs = error instanceof RemoteApiError ? (error.retryAfterMs ?? 0) : 0;
      return Math.min(LONGEST_WAIT_MS, Math.max(askedMs, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 6)));
    }
  };
  /** Some of them may have been left out meanwhile, for want of room. */
  const leaveThose = (some: readonly Waiting[]) => {
    const last = waiting.indexOf(some.at(-1) as Waiting);
    leave(last + 1);
  };
  const run = async () => {
    while (waiting.length > 0 && !closing.signal.aborted) {
      const waitMs = await sendSome(closing.signal);
      await clock.sleep(waitMs, closing.signal);
    }
  };
  const begin = () => {
    running ??= run().finally(() => {
      running = null;
    });
  };

  return {
    get isWatching() {
      return areWanted && !ctx.isOff;
    },
    wanted(now) {
      areWanted = now;
      if (!now) leave(waiting.length);
    },
    take(hostCommandIdentifier, { firstByte, text }, taken) {
      if (!areWanted || ctx.isOff || closing.signal.aborted) return taken();
      const batch = { HostCommandIdentifier: hostCommandIdentifier, FirstByte: firstByte, Text: text };
      const bytes = Buffer.byteLength(text);
      waiting.push({ batch, bytes, taken });
      waitingBytes += bytes;
      while (waitingBytes > MOST_WAITING_BYTES) leave(1);
      begin();
    },
    async close() {
      closing.abort();
      await running;
      const lastWords = AbortSignal.timeout(LAST_WORDS_MS);
      while (waiting.length > 0 && failures === 0 && !lastWords.aborted) await sendSome(lastWords);
      waiting = [];
    },
  };
}

/** As many of them as go into one request, from the first on. */
function firstOf(waiting: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  const end = waiting.findIndex((one, at) => {
    bytes += one.bytes;
    return at === MOST_LOG_BATCHES || (at > 0 && bytes > MOST_LOG_BYTES);
  });
  return end < 0 ? waiting.slice() : waiting.slice(0, end);
}
