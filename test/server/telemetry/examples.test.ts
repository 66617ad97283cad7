import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createServerMetrics } from '../../../src/server/telemetry/server-metrics.ts';
import { testWith } from '../../support/needs.ts';

const fileOf = (name: string) => fileURLToPath(new URL(`../../../examples/monitoring/${name}`, import.meta.url));

/** The names of all figures that a server has. */
function figures(): Set<string> {
  const text = createServerMetrics().text({
    version: '1.0.0',
    database: 'sqlite',
    startedAtMs: 0,
    pollsWaiting: 0,
    deployments: new Map([['Failed', 1]]),
    process: { residentBytes: 0, heapUsedBytes: 0, cpuSeconds: 0, loopDelay: { p50: 0, p99: 0, max: 0 } },
  });
  return new Set([...text.matchAll(/^# TYPE (?<name>\S+)/gmu)].map(({ groups }) => groups?.['name'] ?? ''));
}

test.each(['alerts.yml', 'grafana-dashboard.json'])(
  'every figure that %s asks for is one that the server has',
  (name) => {
    const asked = [...readFileSync(fileOf(name), 'utf8').matchAll(/\b(?:slipway_server|process)_\w+/gu)];
    expect(asked.length).toBeGreaterThan(5);
    const known = figures();
    expect(asked.map(([figure]) => figure.replace(/_bucket$/u, '')).filter((figure) => !known.has(figure))).toEqual([]);
  },
);

testWith('promtool')('Prometheus accepts the alerts and its configuration', () => {
  const said = execFileSync('promtool', ['check', 'config', fileOf('prometheus.yml')], { encoding: 'utf8' });
  expect(said).toContain('9 rules found');
});
