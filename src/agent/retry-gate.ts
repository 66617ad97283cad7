/**
 * How often the control endpoint is asked again, for all commands together.
 *
 * Each operation (specification, acknowledgement, report) has a lane. A question that failed waits for its own back-off before it is asked
 * again; another command's is not held up by that. When three commands in a row failed in a lane, the lane closes. One question goes
 * through at a time, after a delay that doubles up to a minute, until one is answered. So a thousand commands with broken answers cost no
 * more requests than three. How many questions are under way at once grows with those that were answered.
 */
import { isSlipwayError } from '../errors.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { retryDelayMs } from './backoff.ts';

export type GatedOperation = 'specification' | 'acknowledgement' | 'report';

export interface Question<T> {
  readonly operation: GatedOperation;
  /** Subject of the question: questions about the same one share one back-off. */
  readonly about: string;
  /** How often it is asked at most. */
  readonly tries: number;
  /** While nobody answers at all it is asked more often, for so long; milliseconds. */
  readonly awayMs?: number;
  readonly signal?: AbortSignal;
  ask(): Promise<T>;
  /** Whether asking again is pointless: the service has understood and said no. */
  isFinal(error: unknown): boolean;
  /** Told before it is asked again. */
  onFailed?(error: unknown, failures: number, waitMs: number): void;
}

export interface RetryGate {
  /** Asks when it may. @throws what the last try threw, or the reason of the signal */
  ask<T>(question: Question<T>): Promise<T>;
  /** Waits until no lane is closed and no new question waits in one, but not longer than half a minute. */
  calm(signal: AbortSignal): Promise<void>;
}

/** A lane closes when so many commands in a row have failed in it. */
const FAILED_IN_A_ROW = 3;
const FIRST_AT_ONCE = 2;
const MOST_AT_ONCE = 16;
/** Between two failures of questions that have failed before, also while others are answered. */
const BETWEEN_RETRIES_MS = 2_000;
/** So long polls are held back; a server is to hear from this host anyway. */
const LONGEST_CALM_MS = 30_000;
/** How many failures are remembered when nobody waits for them any more. */
const MAX_REMEMBERED = 256;
/** A service may ask for a longer pause than the back-off's, but not for any. */
const LONGEST_ASKED_MS = 5 * 60_000;
const JITTER = 0.1;

interface Waiting {
  readonly question: Question<unknown>;
  failures: number;
  firstFailedMs: number | null;
  dueMs: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Failing {
  readonly failures: number;
  readonly dueMs: number;
}

interface Lane {
  readonly waiting: Set<Waiting>;
  readonly failing: Map<string, Failing>;
  /** Subjects that have failed since the last answer. */
  readonly failedInARow: Set<string>;
  underWay: number;
  atOnce: number;
  /** How often it was closed in a row; 0: it is open. */
  closures: number;
  closedUntilMs: number;
  nextRetryMs: number;
  wake: AbortController;
}

export function createRetryGate(clock: Clock, random: Pick<Random, 'fraction'>): RetryGate {
  const lanes: Readonly<Record<GatedOperation, Lane>> = {
    specification: newLane(),
    acknowledgement: newLane(),
    report: newLane(),
  };
  let changed = Promise.withResolvers<void>();
  const delay = (failures: number, error: unknown) =>
    Math.max(retryDelayMs(failures) * (1 + JITTER * random.fraction()), askedPauseMs(error));

  /** Begins all that may begin, and comes back when the next may. */
  function run(lane: Lane): void {
    lane.wake.abort();
    for (let next = nextOf(lane, clock.now()); next !== null; next = nextOf(lane, clock.now())) begin(lane, next);
    const wakeMs = wakeOf(lane, clock.now());
    if (wakeMs !== null) {
      const wake = new AbortController();
      lane.wake = wake;
      void clock.sleep(wakeMs, wake.signal).then(() => {
        if (!wake.signal.aborted) run(lane);
      });
    }
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  function begin(lane: Lane, one: Waiting): void {
    lane.waiting.delete(one);
    lane.underWay += 1;
    const isRetry = !isNew(lane, one);
    void one.question.ask().then(
      (answer) => {
        answered(lane, one);
        one.resolve(answer);
        run(lane);
      },
      (error: unknown) => {
        if (one.question.isFinal(error)) {
          answered(lane, one);
          one.reject(error);
        } else if (one.question.signal?.aborted === true) {
          lane.underWay -= 1;
          one.reject(error);
        } else failed(lane, one, error, isRetry);
        run(lane);
      },
    );
  }

  function failed(lane: Lane, one: Waiting, error: unknown, isRetry: boolean): void {
    const { about, tries, awayMs = 0, onFailed } = one.question;
    const nowMs = clock.now();
    lane.underWay -= 1;
    lane.failedInARow.add(about);
    const waitMs = delay((lane.failing.get(about)?.failures ?? 0) + 1, error);
    note(lane, about, waitMs, nowMs);
    if (isRetry) lane.nextRetryMs = nowMs + BETWEEN_RETRIES_MS;
    // What was under way when the lane closed says nothing new.
    if (lane.failedInARow.size >= FAILED_IN_A_ROW && lane.closedUntilMs <= nowMs) {
      lane.closures += 1;
      lane.closedUntilMs = nowMs + delay(lane.closures, error);
      lane.atOnce = 1;
    }
    one.failures += 1;
    one.firstFailedMs ??= nowMs;
    if (one.failures >= tries && !(isAway(error) && nowMs - one.firstFailedMs < awayMs)) {
      one.reject(error);
      return;
    }
    one.dueMs = nowMs + waitMs;
    onFailed?.(error, one.failures, waitMs);
    lane.waiting.add(one);
  }

  return {
    ask<T>(question: Question<T>): Promise<T> {
      const { signal, operation } = question;
      const lane = lanes[operation];
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const one: Waiting = { question, failures: 0, firstFailedMs: null, dueMs: 0, resolve, reject };
      const give = () => {
        if (lane.waiting.delete(one)) reject(signal?.reason);
        run(lane);
      };
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      signal?.addEventListener('abort', give, { once: true });
      lane.waiting.add(one);
      run(lane);
      return promise.finally(() => signal?.removeEventListener('abort', give)) as Promise<T>;
    },
    async calm(signal) {
      const startedMs = clock.now();
      for (;;) {
        const nowMs = clock.now();
        const leftMs = startedMs + LONGEST_CALM_MS - nowMs;
        const isCalm = Object.values(lanes).every((lane) => isOpen(lane, nowMs));
        if (isCalm || leftMs <= 0 || leftMs > LONGEST_CALM_MS || signal.aborted) return;
        const over = new AbortController();
        await Promise.race([clock.sleep(leftMs, AbortSignal.any([signal, over.signal])), changed.promise]);
        over.abort();
      }
    },
  };
}

function newLane(): Lane {
  return {
    ...{ waiting: new Set(), failing: new Map(), failedInARow: new Set() },
    ...{ underWay: 0, atOnce: FIRST_AT_ONCE, closures: 0, closedUntilMs: 0, nextRetryMs: 0 },
    wake: new AbortController(),
  };
}

/** Whether nothing that was not asked yet has to wait. */
function isOpen(lane: Lane, nowMs: number): boolean {
  if (lane.closedUntilMs > nowMs) return false;
  for (const { failures } of lane.waiting) if (failures === 0) return false;
  return true;
}

function isNew(lane: Lane, { failures, question }: Waiting): boolean {
  return failures === 0 && !lane.failing.has(question.about);
}

function dueOf(lane: Lane, one: Waiting): number {
  return Math.max(one.dueMs, lane.failing.get(one.question.about)?.dueMs ?? 0, lane.nextRetryMs);
}

/** New questions first: they say more about the endpoint. */
function nextOf(lane: Lane, nowMs: number): Waiting | null {
  if (lane.underWay >= lane.atOnce || lane.closedUntilMs > nowMs) return null;
  let due: Waiting | null = null;
  for (const one of lane.waiting) {
    if (isNew(lane, one)) return one;
    const dueMs = dueOf(lane, one);
    if (dueMs <= nowMs && (due === null || dueMs < dueOf(lane, due))) due = one;
  }
  return due;
}

/** After how many ms something may begin that may not now; null: not by the passing of time. */
function wakeOf(lane: Lane, nowMs: number): number | null {
  if (lane.waiting.size === 0 || lane.underWay >= lane.atOnce) {
    return lane.closedUntilMs > nowMs ? lane.closedUntilMs - nowMs : null;
  }
  let soonestMs = Number.POSITIVE_INFINITY;
  for (const one of lane.waiting) soonestMs = Math.min(soonestMs, isNew(lane, one) ? nowMs : dueOf(lane, one));
  return Math.max(soonestMs, lane.closedUntilMs, nowMs) - nowMs;
}

function answered(lane: Lane, { question }: Waiting): void {
  lane.underWay -= 1;
  lane.failing.delete(question.about);
  lane.failedInARow.clear();
  lane.closures = 0;
  lane.closedUntilMs = 0;
  lane.atOnce = Math.min(lane.atOnce + 1, MOST_AT_ONCE);
}

function note(lane: Lane, about: string, waitMs: number, nowMs: number): void {
  const failures = (lane.failing.get(about)?.failures ?? 0) + 1;
  lane.failing.delete(about);
  lane.failing.set(about, { failures, dueMs: nowMs + waitMs });
  const [oldest] = lane.failing.keys();
  if (lane.failing.size > MAX_REMEMBERED && oldest !== undefined) lane.failing.delete(oldest);
}

/** Whether nobody answered, or somebody in the place of a service that restarts. */
function isAway(error: unknown): boolean {
  return error instanceof RemoteApiError
    ? [502, 503, 504].includes(error.status)
    : isSlipwayError(error, 'SERVER_UNREACHABLE');
}

/** How long the service asked to be left alone; milliseconds. */
export function askedPauseMs(error: unknown): number {
  return error instanceof RemoteApiError ? Math.min(error.retryAfterMs ?? 0, LONGEST_ASKED_MS) : 0;
}
