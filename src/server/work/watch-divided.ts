/**
 * Looks at traffic that is left divided with no deployment that moves it, so that whoever asks is told how it is now: `slipway deployments show`, the
 * API, and `slipway server doctor`. Somebody may have put it right by hand. Nothing is changed in AWS.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { dividedTraffic } from '../engine/shifting/divided.ts';
import type { LambdaDetails } from '../engine/shifting/plan.ts';
import type { ServiceDetails } from '../engine/shifting/service-plan.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import { shownShare } from '../outside/aws/forwarding.ts';
import type { Functions } from '../outside/aws/lambda.ts';
import { type LastShift, lastShifts } from '../store/divided-traffic.ts';
import type { Store } from '../store/store.ts';
import { setTargetDetails } from '../store/targets.ts';
import { percentOf } from './alias-plan.ts';
import { inRegionOf, lookAtProduction, pairIn, type ServicesContext } from './service-work.ts';

export interface DividedWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly functions: Pick<Functions, 'alias'>;
  readonly services: ServicesContext;
}

const LOOK_MS = 60_000;
const CALL_LIMIT_MS = 15_000;

export function startDividedWatch(ctx: DividedWatchContext): Repeated {
  let failures = 0;
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, async (signal) => {
    try {
      await lookAtDivided(ctx, signal);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) ctx.log.error('traffic that is left divided could not be looked at just now', { error });
    }
  });
}

/** One look at everything that is known to be divided. What AWS does not answer about stays as it was seen last. */
export async function lookAtDivided(ctx: DividedWatchContext, signal: AbortSignal): Promise<void> {
  for (const shift of await lastShifts(ctx.store.db)) {
    if (signal.aborted) return;
    const details = JSON.parse(shift.detailsJson) as object;
    if (dividedTraffic(details) === null) continue;
    const now = await detailsNow(ctx, details, AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]));
    if (now !== null) await note(ctx, shift, now);
  }
}

async function note({ store, clock }: DividedWatchContext, shift: LastShift, details: object): Promise<void> {
  await store.transaction((tx) => setTargetDetails(tx, shift, details, clock.now()));
}

/** @returns null: AWS does not say, or others have the traffic */
async function detailsNow(ctx: DividedWatchContext, details: object, signal: AbortSignal): Promise<object | null> {
  try {
    return 'functionAlias' in details
      ? await aliasNow(ctx, details as LambdaDetails, signal)
      : await serviceNow(ctx, details as ServiceDetails, signal);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    // What is gone divides nothing.
    return error.trouble === 'missing' ? withShare(details, 0) : null;
  }
}

async function aliasNow({ functions }: DividedWatchContext, details: LambdaDetails, signal: AbortSignal) {
  const { functionName, functionAlias: alias } = details;
  const look = await functions.alias({ functionName, alias }, signal);
  const percent = percentOf(look, details);
  // An alias with other versions is nothing that this deployment has left.
  return withShare(details, percent ?? 0);
}

async function serviceNow({ services }: DividedWatchContext, details: ServiceDetails, signal: AbortSignal) {
  const route = await lookAtProduction({ ctx: inRegionOf(services, details), details, call: { signal } });
  return withShare(details, shownShare(route, pairIn(details)) ?? 0);
}

function withShare(details: object, percent: number): object {
  if ('functionAlias' in details) return { ...details, targetVersionWeight: percent };
  const { taskSets } = details as ServiceDetails;
  const weighted = taskSets.map((set) => ({ ...set, trafficWeight: set.label === 'Green' ? percent : 100 - percent }));
  return { ...details, taskSets: weighted };
}
