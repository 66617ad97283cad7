import { describe, expect, test } from 'vitest';
import { CHART, chartOf } from '../../src/console/pages/deployment/traffic-chart.ts';
import type { TrafficRecord } from '../../src/protocol/management/shapes.ts';

const steps = (...statuses: TrafficRecord['steps'][number]['status'][]): TrafficRecord => ({
  ...{ percent: 10, intervalSeconds: 60 },
  steps: statuses.map((status, index) => ({ percent: [10, 55, 100][index] ?? 100, status, time: 1_000 + index * 60 })),
});

describe('the chart of a shift of traffic', () => {
  test('has a line for all steps, and one for those that were taken up to now', () => {
    const { planned, taken, nowX } = chartOf(steps('Taken', 'Next', 'Later'), 1_030);
    expect(planned.match(/V/g)).toHaveLength(3);
    expect(taken.match(/V/g)).toHaveLength(1);
    expect(taken.endsWith(`H${nowX}`)).toBe(true);
  });

  test('stays within its frame, whatever the time is', () => {
    for (const now of [0, 970, 1_000, 1_119, 1_180, 9_999]) {
      const { planned, taken } = chartOf(steps('Taken', 'Taken', 'Taken'), now);
      const numbers = `${planned}${taken}`.match(/\d+(\.\d+)?/g)?.map(Number) ?? [];
      expect(Math.max(...numbers)).toBeLessThanOrEqual(CHART.width);
    }
  });

  test('has no line for now before the first step', () => {
    const record = { percent: 0, intervalSeconds: 0, steps: [{ percent: 100, status: 'Later' as const }] };
    expect(chartOf(record, 5)).toMatchObject({ taken: '', nowX: null });
  });
});
