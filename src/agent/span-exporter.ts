/**
 * Sends spans to a collector, beside the deployments and never in their way. Events are put into a queue, and one request at a time empties
 * it. A collector that is down costs the oldest spans once the queue is full, and nothing else.
 */
import axios from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { type ProxyEnvironment, proxyFor } from '../protocol/proxy.ts';
import type { Clock } from '../system/clock.ts';
import { withoutTrailing } from '../system/trailing.ts';
import type { AgentEvent } from './agent-events.ts';
import { deploymentSpan, exportRequest, lifecycleEventSpan, type Span } from './spans.ts';

export interface SpanExporterContext {
  /** The collector's base address; `/v1/traces` is put behind it, as for OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly hostIdentifier: string;
  readonly version: string;
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SpanExporter {
  /** Never throws and never waits. */
  observe(event: AgentEvent): void;
  /** Sends what is left, within a second, and gives up the rest. */
  close(): Promise<void>;
}

/** Some forty deployments: an hour without a collector on a busy host. */
const MAX_QUEUED = 512;
/** A body of some 60 KB. */
const MAX_BATCH = 64;
const TIMEOUT_MS = 5_000;
/** A collector answers with a few words at most. */
const MAX_ANSWER_BYTES = 64 * 1024;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
const CLOSE_MS = 1_000;
/** Deployments whose own span has been sent: more than can run at once. */
const MAX_KNOWN = 64;

export function createSpanExporter(ctx: SpanExporterContext): SpanExporter {
  const post = createPost(ctx);
  const closing = new AbortController();
  const known = new Set<string>();
  let queue: Span[] = [];
  let dropped = 0;
  let underWay: Promise<void> | null = null;

  const send = async () => {
    let failures = 0;
    while (queue.length > 0 && !closing.signal.aborted) {
      const batch = queue.slice(0, MAX_BATCH);
      const ending = await post(exportRequest(batch, ctx.hostIdentifier, ctx.version), closing.signal);
      if (ending.result === 'failed') {
        failures += 1;
        if (failures === 1) ctx.log.warn('spans cannot be sent and are kept for now', { why: ending.why });
        await ctx.clock.sleep(Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), MAX_WAIT_MS), closing.signal);
        continue;
      }
      if (ending.result === 'refused')
        ctx.log.warn('the collector does not take spans; they are lost', { why: ending.why });
      if (failures > 0 || dropped > 0) ctx.log.info('the collector of spans answers again', { failures, dropped });
      failures = 0;
      dropped = 0;
      // Some of the batch may have been given up meanwhile, because the queue was full.
      queue = queue.filter((span) => !batch.includes(span));
    }
  };
  const enqueue = (span: Span) => {
    queue.push(span);
    if (queue.length > MAX_QUEUED) {
      queue.shift();
      dropped += 1;
    }
    begin();
  };
  const begin = () => {
    underWay ??= send().finally(() => {
      underWay = null;
      // Put in just as the last request ended.
      if (queue.length > 0 && !closing.signal.aborted) begin();
    });
  };

  return {
    observe(event) {
      if (event.type === 'command-begun' && !known.has(event.deploymentId)) {
        known.add(event.deploymentId);
        const [oldest] = known;
        if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
        enqueue(deploymentSpan(event, ctx.hostIdentifier, ctx.clock.now()));
      }
      if (event.type === 'command-ended') enqueue(lifecycleEventSpan(event, ctx.hostIdentifier, ctx.clock.now()));
    },
    async close() {
      if (underWay === null) return;
      const done = new AbortController();
      await Promise.race([underWay, ctx.clock.sleep(CLOSE_MS, done.signal)]);
      done.abort();
      closing.abort();
      await underWay;
    },
  };
}

type Ending = { readonly result: 'taken' } | { readonly result: 'failed' | 'refused'; readonly why: string };

/** @see OTLP/HTTP: 429, 502, 503 and 504 are to be tried again, other errors are not */
const TRY_AGAIN: readonly number[] = [429, 502, 503, 504];

function createPost(ctx: SpanExporterContext): (body: string, signal: AbortSignal) => Promise<Ending> {
  const url = new URL(ctx.endpoint);
  url.pathname = `${withoutTrailing(url.pathname, '/')}/v1/traces`;
  const proxy = proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment);
  const agent = proxy === null ? null : new HttpsProxyAgent(proxy);
  return async (body, signal) => {
    try {
      const { status } = await axios.post(url.href, body, {
        transformRequest: [(data: string) => data],
        headers: { 'content-type': 'application/json', 'user-agent': 'slipway' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        maxRedirects: 0,
        maxContentLength: MAX_ANSWER_BYTES,
        proxy: false,
        validateStatus: () => true,
        ...(agent === null ? {} : { httpAgent: agent, httpsAgent: agent }),
      });
      if (status >= 200 && status < 300) return { result: 'taken' };
      return { result: TRY_AGAIN.includes(status) ? 'failed' : 'refused', why: `${url.host} answered HTTP ${status}` };
    } catch (error) {
      return { result: 'failed', why: `${url.host}: ${messageOf(error)}` };
    }
  };
}
