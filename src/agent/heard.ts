/** Answers that the agent has had from the control endpoint: for its status, for the service manager, and for observers. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { Tell } from './agent-events.ts';
import type { LastPoll } from './status.ts';

export interface Heard {
  readonly lastPoll: LastPoll;
  /** Time of the last answer by a clock that is never set, in milliseconds; null: no poll was answered yet. */
  readonly lastAnsweredAtMs: number | null;
  readonly identityIsShared: boolean;
  answered(): void;
  failed(error: unknown): void;
  /** The endpoint says whether another agent polls with this host's identity. */
  identity(isShared: boolean): void;
}

export interface HeardContext {
  readonly hostIdentifier: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly steadyClock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly tell: Tell;
  /** The first poll was answered. */
  onReady(): void;
}

const SHARED_IDENTITY =
  'another agent uses the identity of this host: each deployment gets to only one of them; ' +
  'give one of the machines an identity of its own: slipway register --force --instance-name NAME';

export function createHeard(ctx: HeardContext): Heard {
  let lastPoll: LastPoll = { answeredAtMs: null, failures: 0, lastError: null };
  let lastAnsweredAtMs: number | null = null;
  let identityIsShared = false;
  return {
    get lastPoll() {
      return lastPoll;
    },
    get lastAnsweredAtMs() {
      return lastAnsweredAtMs;
    },
    get identityIsShared() {
      return identityIsShared;
    },
    answered() {
      const isFirst = lastAnsweredAtMs === null;
      lastAnsweredAtMs = ctx.steadyClock.now();
      if (lastPoll.failures > 0) ctx.tell({ type: 'poll-recovered', failures: lastPoll.failures });
      lastPoll = { answeredAtMs: ctx.clock.now(), failures: 0, lastError: null };
      if (isFirst) ctx.onReady();
    },
    failed(error) {
      if (lastPoll.failures === 0) ctx.tell({ type: 'poll-failing', error: messageOf(error) });
      lastPoll = { ...lastPoll, failures: lastPoll.failures + 1, lastError: messageOf(error) };
    },
    identity(isShared) {
      if (isShared && !identityIsShared) ctx.log.error(SHARED_IDENTITY, { hostIdentifier: ctx.hostIdentifier });
      if (!isShared && identityIsShared) ctx.log.info('no other agent uses the identity of this host any more');
      identityIsShared = isShared;
    },
  };
}
