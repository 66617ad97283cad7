/** The lines of the chart of a shift of traffic: percent of the new version over time. Pure. */
import type { TrafficRecord } from '../../../protocol/management/shapes.ts';

/** In the units of the drawing. */
export const CHART = { width: 640, height: 150, left: 48, top: 10, bottom: 12 } as const;

export interface Chart {
  /** Height of a percentage. */
  y(percent: number): number;
  /** Path of all steps, and of those that were taken. */
  readonly planned: string;
  readonly taken: string;
  /** Where now is; null: before the first step, or after the chart. */
  readonly nowX: number | null;
}

/** @param now epoch seconds */
export function chartOf({ steps, intervalSeconds }: TrafficRecord, now: number): Chart {
  const { width, height, left, top, bottom } = CHART;
  const y = (percent: number) => top + (1 - percent / 100) * (height - top - bottom);
  const interval = intervalSeconds || 1;
  const first = steps[0]?.time ?? null;
  // Half an interval before the first step, and one after the last, so that both can be seen.
  const [from, to] = [-interval / 2, steps.length * interval];
  const x = (offset: number) => left + ((offset - from) / (to - from)) * (width - left);
  const line = (count: number, until: number) => {
    if (count === 0) return '';
    const parts = steps
      .slice(0, count)
      .map(({ percent }, index) => `H${round(x(index * interval))}V${round(y(percent))}`);
    return `M${round(x(from))},${round(y(0))}${parts.join('')}H${round(until)}`;
  };
  const takenCount = steps.filter(({ status }) => status === 'Taken').length;
  const nowOffset = first === null ? null : now - first;
  const isWithin = nowOffset !== null && nowOffset >= from && nowOffset <= to;
  const lastTakenX = x(Math.max(0, takenCount - 1) * interval);
  const takenUntil = isWithin ? Math.max(lastTakenX, x(nowOffset)) : takenCount === steps.length ? x(to) : lastTakenX;
  return {
    y,
    planned: line(steps.length, x(to)),
    taken: line(takenCount, takenUntil),
    nowX: isWithin ? round(x(nowOffset)) : null,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
