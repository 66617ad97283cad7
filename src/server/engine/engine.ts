/**
 * Drives deployments to their end. Level-triggered: each step locks the deployment's row, reads what is there, decides, and writes down
 * what was decided, in one transaction. It does not matter who takes a step, when, and how often.
 *
 * Two records guarantee that a deployment goes on: `wake_at_ms`, and `changed_targets`. A transaction that changes something about a
 * deployment sets the first to now, and a step sets it to the next time limit. Hosts report often, so a report notes its target in the
 * second instead. Then a step looks at such targets alone (`step-part`), and reports are written down while another step is under way. The
 * answer to a report comes after the step that follows from it. Every server looks for deployments whose time has come or which have changed. So a
 * crash between a change and its step loses nothing; calling `step` right after a change only makes it quick.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { changedTargetsOf } from '../store/changed-targets.ts';
import { activeDeployments, dueDeployments, lockDeployment, lockDueDeployment } from '../store/deployments.ts';
import { hostsWithReadyEvents } from '../store/hand-outs.ts';
import type { Store } from '../store/store.ts';
import { createCoalescer } from './coalesce.ts';
import { REDELIVERY_MS } from './limits.ts';
import { createListening, type Listening } from './listening.ts';
import { takeStep } from './step.ts';
import { takePartOfStep } from './step-part.ts';
import type { Waiters } from './waiters.ts';

export interface EngineContext {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told when the server was given orders; left out: whoever carries them out finds them by looking. */
  readonly onOrders?: () => void;
}

export interface Engine {
  /**
   * Takes the deployment's next steps. Call it after anything about the deployment has changed. Resolves when the steps are committed, or
   * when that could not be done just now and is left to the next look. Never rejects.
   */
  step(deploymentId: string): Promise<void>;
  /** Since when hosts could be heard of here without a break; milliseconds since the epoch. */
  listeningSinceMs(): number;
  /** Begins no step any more, and waits for those under way. */
  close(): Promise<void>;
}

/** How often the engine looks for what nobody has told it: time limits (minutes long), crashes, lost wake-ups. */
const LOOK_MS = 5_000;
/** Looks further apart mean that the server could not hear of hosts meanwhile; a busy one may be late by some seconds. */
const BREAK_MS = 60_000;

/** Starts the engine, and goes on with every deployment that is not over. */
export async function startEngine(ctx: EngineContext): Promise<Engine> {
  const closing = new AbortController();
  const listening = createListening(ctx.clock.now(), BREAK_MS);
  const listeningSinceMs = () => listening.sinceMs(ctx.clock.now());
  const stepping: SteppingContext = { ...ctx, listeningSinceMs };
  const steps = createCoalescer(async (deploymentId) => {
    if (!closing.signal.aborted) await stepSafely(stepping, deploymentId, lockDeployment);
  });
  const listener = ctx.store.wakeUps.listen({
    clock: ctx.clock,
    log: ctx.log,
    onWake: (hostArn) => (hostArn === null ? ctx.waiters.wakeAll() : ctx.waiters.wake(hostArn)),
  });
  for (const deploymentId of await activeDeployments(ctx.store.db)) await steps.run(deploymentId);
  const looking = keepLooking(stepping, listening, closing.signal);
  return {
    step: steps.run,
    listeningSinceMs,
    async close() {
      closing.abort();
      await Promise.all([looking, steps.idle(), listener.close()]);
    },
  };
}

type SteppingContext = EngineContext & { listeningSinceMs(): number };

async function keepLooking(ctx: SteppingContext, listening: Listening, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ctx.clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    try {
      const due = await dueDeployments(ctx.store.db, ctx.clock.now());
      listening.confirm(ctx.clock.now());
      for (const deploymentId of due) {
        if (signal.aborted) return;
        await stepSafely(ctx, deploymentId, (...args) => lockDueDeployment(...args, ctx.clock.now()));
      }
      const before = ctx.clock.now() - REDELIVERY_MS;
      for (const hostArn of await hostsWithReadyEvents(ctx.store.db, before)) ctx.waiters.wake(hostArn);
    } catch (error) {
      ctx.log.error('the engine could not look for deployments whose time has come', { error });
    }
  }
}

/**
 * One deployment that cannot be driven on must not keep the others from it.
 *
 * A step for what has changed may be lost in a power cut: it follows from rows that are not.
 */
async function stepSafely(ctx: SteppingContext, deploymentId: string, lock: typeof lockDeployment): Promise<void> {
  try {
    const result =
      (await ctx.store.transaction(async (tx) => {
        // The database carries out both in this order: it reads the changed targets once the deployment is locked.
        const [deployment, changed] = await Promise.all([lock(tx, deploymentId), changedTargetsOf(tx, deploymentId)]);
        return takePartOfStep(ctx, tx, deployment, changed);
      }, 'lazy')) ?? (await ctx.store.transaction(async (tx) => takeStep(ctx, tx, await lock(tx, deploymentId))));
    for (const hostArn of result.hostArns) ctx.waiters.wake(hostArn);
    if (result.hasOrders) ctx.onOrders?.();
    const { finished, followedBy } = result;
    if (finished !== null) {
      const { status, errorCode } = finished;
      ctx.log.info('a deployment has ended', { deploymentId, status, errorCode, rollbackDeploymentId: followedBy });
    }
    if (followedBy !== null) await stepSafely(ctx, followedBy, lockDeployment);
  } catch (error) {
    ctx.log.error('a deployment could not be driven on just now; it is tried again', { deploymentId, error });
  }
}
