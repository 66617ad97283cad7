/** Spans that an OpenTelemetry collector gets. */
import { describe, expect, test } from 'vitest';
import type { AgentEvent } from '../../src/agent/agent-events.ts';
import { createSpanExporter, type SpanExporter } from '../../src/agent/span-exporter.ts';
import type { Span } from '../../src/agent/spans.ts';
import { traceIdOf } from '../../src/agent/spans.ts';
import { systemClock } from '../../src/system/clock.ts';
import { collectingLogger } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../support/http-server.ts';

const facts = (deploymentId: string, commandName: string) => ({
  commandName,
  hostCommandIdentifier: `${deploymentId}/${commandName}`,
  deploymentId,
  deploymentGroupId: 'group-id',
  applicationName: 'Shop',
});
const begun = (deploymentId: string, commandName: string): AgentEvent => ({
  type: 'command-begun',
  ...facts(deploymentId, commandName),
});
const ended = (
  deploymentId: string,
  commandName: string,
  status: 'Succeeded' | 'Failed' = 'Succeeded',
): AgentEvent => ({
  type: 'command-ended',
  ...facts(deploymentId, commandName),
  status,
  errorCode: status === 'Succeeded' ? 0 : 4,
  message: `${commandName} ${status}`,
  durationMs: 1500,
});

function exporterTo(endpoint: string, hostIdentifier = 'web-1') {
  const log = collectingLogger();
  const exporter = createSpanExporter({
    endpoint,
    hostIdentifier,
    version: '1.2.3',
    proxyUri: null,
    proxyEnvironment: {},
    clock: systemClock,
    log,
  });
  return { exporter, log };
}

function spansIn({ body }: ReceivedRequest): Span[] {
  const parsed = JSON.parse(body.toString()) as { resourceSpans: [{ scopeSpans: [{ spans: Span[] }] }] };
  return parsed.resourceSpans[0].scopeSpans[0].spans;
}

function failingTimes(times: number, failure: Answer): (request: ReceivedRequest, index: number) => Answer {
  return (_, index) => (index < times ? failure : {});
}

function deploy(exporter: SpanExporter, deploymentId: string): void {
  for (const event of ['DownloadBundle', 'Install']) {
    exporter.observe(begun(deploymentId, event));
    exporter.observe(ended(deploymentId, event));
  }
}

describe('spans of a deployment', () => {
  test('are one trace: a span for the host, below it one for each event, with its time and its end', async () => {
    await using collector = await answeringServer(() => ({}));
    const { exporter } = exporterTo(`${collector.url}/otel/`);
    deploy(exporter, 'd-ONE');
    exporter.observe(ended('d-ONE', 'AfterInstall', 'Failed'));
    await eventually(() => collector.received.flatMap(spansIn).length === 4);
    await exporter.close();

    expect(collector.received.map(({ method, path }) => `${method} ${path}`)).toContain('POST /otel/v1/traces');
    expect(collector.received[0]?.headers['content-type']).toBe('application/json');
    const [host, ...events] = collector.received.flatMap(spansIn);
    expect(host).toMatchObject({ name: 'deployment d-ONE', traceId: traceIdOf('d-ONE') });
    expect(host).not.toHaveProperty('parentSpanId');
    expect(events.map(({ name }) => name)).toEqual(['DownloadBundle', 'Install', 'AfterInstall']);
    for (const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano } of events) {
      expect({ traceId, parentSpanId }).toEqual({ traceId: host?.traceId, parentSpanId: host?.spanId });
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)).toBe(1_500_000_000n);
    }
    expect(new Set(collector.received.flatMap(spansIn).map(({ spanId }) => spanId)).size).toBe(4);
    expect(events.at(-1)?.status).toEqual({ code: 2, message: 'AfterInstall Failed' });
    expect(JSON.parse(collector.received[0]?.body.toString() ?? '')).toMatchObject({
      resourceSpans: [
        { resource: { attributes: expect.arrayContaining([{ key: 'host.id', value: { stringValue: 'web-1' } }]) } },
      ],
    });
  });

  test('spans of a deployment to two hosts are in one trace, and are not taken for each other', async () => {
    await using collector = await answeringServer(() => ({}));
    for (const name of ['web-1', 'web-2']) {
      const { exporter } = exporterTo(collector.url, name);
      deploy(exporter, 'd-ONE');
      await eventually(() => collector.received.flatMap(spansIn).length % 3 === 0);
      await exporter.close();
    }
    const spans = collector.received.flatMap(spansIn);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf('d-ONE')]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(6);
  });

  test.each([
    ['answers 503', { status: 503 }],
    ['hangs up', null],
  ])('come through once a collector that %s is back', async (_, failure) => {
    await using collector = await answeringServer((request, index) => {
      if (failure === null && index === 0) throw new Error('hangs up');
      return failingTimes(1, failure ?? {})(request, index);
    });
    const { exporter, log } = exporterTo(collector.url);
    deploy(exporter, 'd-ONE');
    await eventually(() => log.lines.some(({ message }) => message.includes('answers again')));
    await exporter.close();
    const delivered = collector.received.slice(1).flatMap(spansIn);
    expect(delivered.map(({ name }) => name)).toEqual(['deployment d-ONE', 'DownloadBundle', 'Install']);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('spans of a deployment that a collector refuses are given up, and the log says so', async () => {
    await using collector = await answeringServer(() => ({ status: 400 }));
    const { exporter, log } = exporterTo(collector.url);
    deploy(exporter, 'd-ONE');
    await eventually(() => collector.received.flatMap(spansIn).length === 3);
    await exporter.close();
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { why: expect.stringContaining('HTTP 400') } });
  });

  test('do not hold up the end of an agent whose collector never answers', async () => {
    const hanging = Promise.withResolvers<Answer>();
    await using collector = await answeringServer(() => hanging.promise);
    const { exporter } = exporterTo(collector.url);
    deploy(exporter, 'd-ONE');
    await exporter.close();
    expect(collector.received).toHaveLength(1);
    hanging.resolve({});
  });

  test('do not pile up while a collector is down: the newest 512 are kept', async () => {
    const away = Promise.withResolvers<Answer>();
    await using collector = await answeringServer((_, index) => (index === 0 ? away.promise : {}));
    const { exporter, log } = exporterTo(collector.url);
    for (let index = 0; index < 1000; index += 1) deploy(exporter, `d-${index}`);
    away.resolve({ status: 503 });
    await eventually(() => collector.received.slice(1).flatMap(spansIn).length >= 512);
    await exporter.close();
    const delivered = collector.received.slice(1).flatMap(spansIn);
    expect(delivered).toHaveLength(512);
    expect(delivered.at(-1)).toMatchObject({ name: 'Install', traceId: traceIdOf('d-999') });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'info', fields: { failures: 1, dropped: 2488 } }),
    );
  });
});
