/** The steps of a shift of traffic, with what each has come to. Pure. */
import type { TrafficRecord, TrafficStepRecord } from '../../protocol/management/shapes.ts';
import type { Schedule } from '../engine/shifting/schedule.ts';
import { NOT_SHIFTED, type ShiftProgress } from '../engine/shifting/steps.ts';
import type { LifecycleEventRow, OrderRow } from '../store/schema.ts';

type Event = Pick<LifecycleEventRow, 'status' | 'started_at_ms' | 'ended_at_ms'>;

export interface Shift {
  readonly schedule: Schedule;
  /** Percent of the traffic that the new version has now. */
  readonly percent: number;
  /** The event AllowTraffic. */
  readonly event: Event;
  /** Its order; undefined: it has none yet. */
  readonly order: Pick<OrderRow, 'memory_json'> | undefined;
}

export function trafficRecord({ schedule, percent, event, order }: Shift): TrafficRecord {
  const { steps, intervalMs } = schedule;
  const { step: taken, startedAtMs } = progressOf(order);
  const isOver = event.status === 'Succeeded';
  const goesOn = event.status === 'InProgress';
  const fromMs = startedAtMs ?? event.started_at_ms;
  return {
    percent,
    intervalSeconds: intervalMs / 1000,
    steps: steps.map((wanted, index): TrafficStepRecord => {
      const isTaken = isOver || index <= taken;
      const status = isTaken ? 'Taken' : goesOn && index === taken + 1 ? 'Next' : isLost(event) ? 'Skipped' : 'Later';
      const hasTime = fromMs !== null && status !== 'Skipped';
      return { percent: wanted, status, ...(hasTime ? { time: (fromMs + index * intervalMs) / 1000 } : {}) };
    }),
  };
}

/** Steps that are not taken any more. */
function isLost({ status }: Event): boolean {
  return status === 'Failed' || status === 'Skipped' || status === 'Unknown';
}

function progressOf(order: Shift['order']): ShiftProgress {
  const memory = JSON.parse(order?.memory_json ?? 'null') as { readonly progress?: ShiftProgress } | null;
  return memory?.progress ?? NOT_SHIFTED;
}
