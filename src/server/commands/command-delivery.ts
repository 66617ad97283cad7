/** How commands get to their hosts: a poll is held until there is one, and each is handed out once. */
import type { WithLiveLogs } from '../../protocol/host-command/logs.ts';
import type { HostCommand } from '../../protocol/host-command/shapes.ts';
import type { Clock } from '../../system/clock.ts';
import type { Deadlines } from '../../system/deadlines.ts';
import type { Random } from '../../system/random.ts';
import { REDELIVERY_MS } from '../engine/limits.ts';
import type { HostWatch, Waiters } from '../engine/waiters.ts';
import { takeBackHandOut } from '../store/hand-outs.ts';
import { findPowerless, type HostActor } from '../store/powers.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { HandOuts } from './hand-outs.ts';
import type { PacedAnswers } from './paced-answers.ts';

export interface DeliveryContext {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly accountId: string;
  readonly random: Pick<Random, 'fraction'>;
  readonly handOuts: HandOuts;
  /** Deadlines of polls that are held. */
  readonly deadlines: Deadlines;
  /** Told of polls that are served; left out: reports are answered as they are written down. */
  readonly answers?: PacedAnswers;
}

/**
 * The caller of a poll, for as long as it waits for the answer. An AbortSignal would say the same, and takes more memory than all the rest
 * of a poll that is held.
 */
export interface Asker {
  /** The client has hung up, or the server stops. */
  readonly isGone: boolean;
  /** Has somebody told when the asker goes, at once if that has happened. One at a time; null: nobody any more. */
  tell(waiting: { end(): void } | null): void;
}

/** How long a poll is held at most, but for the second of a deadline. Below the minute after which proxies tend to hang up. */
const POLL_HOLD_MS = 55_000;
/** Polls are held for this part less, by chance: a fleet that came at once, after a restart, does not come at once for ever. */
const SPREAD = 0.2;

export type PollAnswer = WithLiveLogs;

/** A poll under way. An idle fleet has thousands of them, so it keeps no more than it needs. */
interface Poll {
  readonly hostArn: string;
  readonly accessKeyId: string;
  readonly asker: Asker;
  /** When it is answered in any case; ms since the epoch. */
  readonly endMs: number;
  readonly watch: HostWatch;
  readonly besides: Omit<PollAnswer, 'HostCommand'>;
}

/** A poll as it comes. */
export interface PollRequest {
  readonly asker: Asker;
  /**
   * False: the caller wants to know at once, because it has just started or had lost the server. A command that it got before and did not
   * acknowledge went to a process that is gone, or over a connection that broke. So it is handed out again without waiting, and an agent
   * that has it after all knows it by its identifier.
   */
  readonly mayHold: boolean;
  /** What the answer says in any case. */
  readonly besides: Omit<PollAnswer, 'HostCommand'>;
}

/**
 * Holds a poll until there is a command for the host. The answer has none when the time is over, the caller has hung up, or its key has
 * lost its power.
 */
export async function answerPoll(
  ctx: DeliveryContext,
  { hostArn, accessKeyId }: HostActor,
  { asker, mayHold, besides }: PollRequest,
): Promise<PollAnswer> {
  const endMs = ctx.clock.now() + Math.round(POLL_HOLD_MS * (1 - SPREAD * ctx.random.fraction()));
  const poll = { hostArn, accessKeyId, asker, endMs, watch: ctx.waiters.watch(hostArn, accessKeyId), besides };
  let isHeld = false;
  try {
    const command = asker.isGone ? null : await takeCommand(ctx, poll, mayHold ? REDELIVERY_MS : 0);
    if (command !== null || !mayHold) return answerWith(poll, command);
    isHeld = true;
  } finally {
    if (!isHeld) endPoll(ctx, poll);
  }
  // Not waited for: what this function has made would be kept for as long.
  return hold(ctx, poll);
}

async function hold(ctx: DeliveryContext, poll: Poll): Promise<PollAnswer> {
  try {
    while (!poll.asker.isGone) {
      ctx.answers?.served(poll.hostArn);
      ctx.deadlines.add(poll.endMs, poll.watch);
      poll.asker.tell(poll.watch);
      if (!(await poll.watch.woken()) || poll.asker.isGone) break;
      const command = await takeCommand(ctx, poll, REDELIVERY_MS);
      if (command !== null) return answerWith(poll, command);
      // A wake-up without a command may mean that there is nothing to wait for any more.
      if ((await findPowerless(ctx.store.db, poll.accessKeyId)) !== null) break;
    }
    return answerWith(poll, null);
  } finally {
    endPoll(ctx, poll);
  }
}

function endPoll(ctx: DeliveryContext, { hostArn, asker, endMs, watch }: Poll): void {
  ctx.answers?.served(hostArn);
  asker.tell(null);
  ctx.deadlines.remove(endMs, watch);
  watch.release();
}

function answerWith({ besides }: Poll, command: HostCommand | null): PollAnswer {
  return command === null ? besides : { HostCommand: command, ...besides };
}

async function takeCommand(
  ctx: DeliveryContext,
  { hostArn, accessKeyId, asker }: Poll,
  redeliveryMs: number,
): Promise<HostCommand | null> {
  for (;;) {
    const event = await ctx.handOuts.readyFor(hostArn, redeliveryMs);
    if (event === null || event.host_command_id === null) return null;
    const takenAtMs = await ctx.handOuts.take({ event, accessKeyId });
    if (takenAtMs === null) {
      if ((await findPowerless(ctx.store.db, accessKeyId)) !== null) return null;
      continue;
    }
    if (asker.isGone) {
      // Nobody is there any more to take it: let the next poll have it, and not only when it counts as lost.
      await takeBackHandOut(ctx.store.db, event, takenAtMs);
      ctx.waiters.wake(hostArn);
      return null;
    }
    return {
      HostCommandIdentifier: event.host_command_id,
      HostIdentifier: hostArn,
      DeploymentExecutionId: executionId(ctx.accountId, event),
      CommandName: event.event_name,
      Nonce: 1,
    };
  }
}

/** Four parts with slashes between them, at most 129 characters, as agents demand. */
export function executionId(
  accountId: string,
  event: Pick<LifecycleEventRow, 'deployment_id' | 'instance_id'>,
): string {
  return `${accountId}/${event.deployment_id}/${event.instance_id}/1`;
}

/** Which deployment and which instance an execution id is about; null when it is none of ours. */
export function readExecutionId(text: string): { readonly deploymentId: string; readonly instanceId: string } | null {
  const [, deploymentId, instanceId, ...rest] = text.split('/');
  return deploymentId === undefined || instanceId === undefined || rest.length !== 1
    ? null
    : { deploymentId, instanceId };
}
