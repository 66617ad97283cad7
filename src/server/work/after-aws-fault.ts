/** Orders whose call to AWS has come to nothing: whether it is made again, and when. Pure. */
import { failureAfter, pauseAfter, type ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import type { AwsFault } from '../outside/aws/aws-fault.ts';
import type { OrderRow } from '../store/schema.ts';
import { fleetErrorCode } from './fleet-readings.ts';
import type { Progress, Standing } from './order.ts';

/** So long AWS is asked, and so many times at least. */
const FAILING_LIMIT_MS = 5 * 60_000;
const FAILING_CALLS = 5;
const LONGEST_PAUSE_MS = 15_000;

interface OfOrder {
  readonly isAutoScaling: boolean;
  /** What the order remembers beside its failures. */
  readonly memory: object;
}

/**
 * A fault that asking again cannot fix fails the order; every other one does after five minutes. The message begins with a code of the API's
 * ErrorInformation.
 */
export function afterAwsFault(
  order: Pick<OrderRow, 'memory_json'>,
  fault: AwsFault,
  { isAutoScaling, memory }: OfOrder,
  nowMs: number,
): Progress {
  const { failing = null } = JSON.parse(order.memory_json ?? '{}') as { readonly failing?: ScalingFailure | null };
  const failure = failureAfter(failing, fault, nowMs);
  const standing: Standing = {
    memory: { ...memory, failing: failure },
    lastCall: fault.call,
    lastAnswer: fault.answer,
  };
  const isFinal = ['missing', 'refused', 'limit'].includes(fault.trouble);
  const isLate = nowMs - failure.sinceMs >= FAILING_LIMIT_MS && failure.calls >= FAILING_CALLS;
  if (!isFinal && !isLate) {
    return { ...standing, ending: 'later', inMs: Math.min(LONGEST_PAUSE_MS, pauseAfter(failure)) };
  }
  const tries = isFinal ? '' : ` It was asked ${failure.calls} times in vain.`;
  const code = fleetErrorCode(fault, isAutoScaling);
  const message = `${code}: The last call to AWS was: ${fault.call}. The answer: ${fault.answer}.${tries}`;
  return { ...standing, ending: 'Failed', message };
}
