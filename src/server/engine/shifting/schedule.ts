/**
 * How much of the production traffic goes to the new version, at which time. Pure: the engine asks with a clock's reading, and nothing waits.
 *
 * @see the AWS CodeDeploy user guide, "Deployment configurations": the first part is shifted at once, and each later one after an interval
 */

/** `trafficRoutingConfig`, as the API has it. */
export type TrafficRouting =
  | { readonly type: 'AllAtOnce' }
  | {
      readonly type: 'TimeBasedCanary';
      /** Percent; minutes. */
      readonly timeBasedCanary: { readonly canaryPercentage: number; readonly canaryInterval: number };
    }
  | {
      readonly type: 'TimeBasedLinear';
      readonly timeBasedLinear: { readonly linearPercentage: number; readonly linearInterval: number };
    };

/** A schedule as a deployment keeps it: what the configuration said when the deployment was created. */
export interface Schedule {
  /** The percentages that the new version gets, one after another: they rise, and the last one is 100. */
  readonly steps: readonly number[];
  /** Between one step and the next. */
  readonly intervalMs: number;
}

/** Weight that the schedule wants at some time. */
export interface Weight {
  /** Share of the new version, 0 to 100; the old one has the rest. */
  readonly percent: number;
  /** When the next step is due; null: this is the last one. */
  readonly nextChangeAtMs: number | null;
}

/** Between the first and the last step there are two days at most, as in the hosted service. */
export const LONGEST_SHIFT_MINUTES = 2880;

/** @param minuteMs what a minute of the configuration lasts */
export function scheduleOf(routing: TrafficRouting, minuteMs = 60_000): Schedule {
  switch (routing.type) {
    case 'AllAtOnce':
      return { steps: [100], intervalMs: 0 };
    case 'TimeBasedCanary': {
      const { canaryPercentage, canaryInterval } = routing.timeBasedCanary;
      return { steps: [canaryPercentage, 100], intervalMs: canaryInterval * minuteMs };
    }
    case 'TimeBasedLinear': {
      const { linearPercentage, linearInterval } = routing.timeBasedLinear;
      const count = Math.ceil(100 / linearPercentage);
      const steps = Array.from({ length: count }, (_, index) => Math.min(100, (index + 1) * linearPercentage));
      return { steps, intervalMs: linearInterval * minuteMs };
    }
  }
}

/**
 * The weight at a time. Times are absolute: a server that was down goes on at the step that is due now.
 *
 * @param startedAtMs when the first step was taken. A clock that has gone back since changes nothing: the first step stays taken
 */
export function weightAt({ steps, intervalMs }: Schedule, startedAtMs: number, nowMs: number): Weight {
  const last = steps.length - 1;
  const elapsedMs = Math.max(0, nowMs - startedAtMs);
  const due = last === 0 ? 0 : Math.min(last, Math.floor(elapsedMs / intervalMs));
  return {
    percent: steps[due] ?? 100,
    nextChangeAtMs: due === last ? null : startedAtMs + (due + 1) * intervalMs,
  };
}

/** From the first step to the last, in the configuration's minutes. */
export function shiftMinutes(routing: TrafficRouting): number {
  const { steps, intervalMs } = scheduleOf(routing, 1);
  return (steps.length - 1) * intervalMs;
}
