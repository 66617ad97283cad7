/** Texts of the Prometheus exposition format 0.0.4, and what counts for them. Pure but for what it counts itself. */
import { printable } from './printable.ts';

/** The content type of the format. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A metric with its values by their labels. Labels are `name="value"` with commas between them, or empty. */
export function metricText(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  values: readonly (readonly [labels: string, value: number])[],
): string {
  return `${head(name, type, help)}${values.map(([labels, value]) => line(name, labels, value)).join('')}`;
}

export function escapeLabel(text: string): string {
  return printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** How often something took how long. */
export interface Histogram {
  observe(value: number): void;
  text(name: string, help: string): string;
}

/** @param bounds upper bounds of the buckets, ascending, in the unit of the values; one without a bound is added */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = bounds.map(() => 0);
  let [count, sum] = [0, 0];
  return {
    observe(value) {
      count += 1;
      sum += value;
      const first = bounds.findIndex((bound) => value <= bound);
      if (first >= 0) counts[first] = (counts[first] ?? 0) + 1;
    },
    text(name, help) {
      let below = 0;
      const buckets = bounds.map((bound, index) => {
        below += counts[index] ?? 0;
        return line(`${name}_bucket`, `le="${bound}"`, below);
      });
      const ends = [
        line(`${name}_bucket`, 'le="+Inf"', count),
        line(`${name}_sum`, '', sum),
        line(`${name}_count`, '', count),
      ];
      return [head(name, 'histogram', help), ...buckets, ...ends].join('');
    },
  };
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
}
