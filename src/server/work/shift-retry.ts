/** Consequences when a call about traffic comes to nothing. Pure. */
import { failureAfter, pauseAfter, type ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import { isForPeople } from '../outside/aws/aws-error.ts';
import type { AwsFault } from '../outside/aws/aws-fault.ts';

/** A reason that ends an event or a deployment, with a code of the API's ErrorInformation. */
export class ShiftFault extends Error {
  override readonly name = 'ShiftFault';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  /** As events and orders keep it. */
  get coded(): string {
    return `${this.code}: ${this.message}`;
  }
}

/** So long AWS is asked, and so many times at least. */
const FAILING_LIMIT_MS = 5 * 60_000;
const FAILING_CALLS = 5;
const LONGEST_PAUSE_MS = 15_000;

export type AfterFault =
  | { readonly is: 'again'; readonly failing: ScalingFailure; readonly inMs: number }
  | { readonly is: 'given-up'; readonly failing: ScalingFailure; readonly message: string };

/**
 * A fault that asking again cannot fix ends the work; every other one does after five minutes.
 *
 * @param hasBegun whether something may have moved already, which needs leading back; absent: it may
 * @param code of the API's ErrorInformation
 */
export function afterFault(
  before: ScalingFailure | null,
  fault: AwsFault,
  {
    code,
    nowMs,
    limitMs = FAILING_LIMIT_MS,
    hasBegun = true,
  }: { readonly code: string; readonly nowMs: number; readonly limitMs?: number; readonly hasBegun?: boolean },
): AfterFault {
  const failing = failureAfter(before, fault, nowMs);
  const isFinal = isForPeople({ trouble: fault.trouble, code: fault.awsCode }, hasBegun);
  const isLate = nowMs - failing.sinceMs >= limitMs && failing.calls >= FAILING_CALLS;
  if (!isFinal && !isLate) return { is: 'again', failing, inMs: Math.min(LONGEST_PAUSE_MS, pauseAfter(failing)) };
  const tries = isFinal ? '' : ` It was asked ${failing.calls} times in vain.`;
  const message = `${code}: The last call to AWS was: ${fault.call}. The answer: ${fault.answer}.${tries}`;
  return { is: 'given-up', failing, message };
}

/**
 * A fault of the server's own, which comes again each time. Before anything has moved it ends the deployment.
 *
 * @returns null: something else, which may pass, as a database that is down
 */
export function ownFault(error: unknown): ShiftFault | null {
  const isOwn = [TypeError, RangeError, SyntaxError, ReferenceError].some((kind) => error instanceof kind);
  if (!isOwn) return null;
  const why = `The server has met a fault of its own: ${String(error)}. Tell those who make Slipway, with the AppSpec file.`;
  return new ShiftFault('INTERNAL_ERROR', why);
}
