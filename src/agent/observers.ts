/**
 * Observers of the agent's events, as the configuration has them. Modules that nobody has asked for are not even loaded: an idle daemon
 * carries none of them.
 */
import type { AgentConfig } from '../config/agent-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { printable } from '../system/printable.ts';
import type { Tell } from './agent-events.ts';
import { type AgentStatus, silenceLimitMs, troubleOf } from './status.ts';

export interface Observers {
  readonly tell: Tell;
  /** From here on metrics are served, if they are wanted. */
  serve(status: () => AgentStatus): void;
  close(): Promise<void>;
}

/** @throws SlipwayError CONFIG_INVALID when `metrics_listen` is an address that others could reach */
export async function createObservers(
  config: Pick<
    AgentConfig,
    | 'eventsFile'
    | 'metricsListen'
    | 'otlpEndpoint'
    | 'proxyUri'
    | 'waitBetweenRunsSeconds'
    | 'waitBetweenRunsActiveSeconds'
    | 'httpReadTimeoutSeconds'
  >,
  agent: { readonly hostIdentifier: string; readonly version: string },
  clock: Clock,
  log: Logger,
): Promise<Observers> {
  const listeners: Tell[] = [];
  const closers: (() => void | Promise<void>)[] = [];
  let serve: Observers['serve'] = () => undefined;
  if (config.eventsFile !== null) {
    const { openRotatingFile } = await import('../logging/rotating-file.ts');
    const onFault = (error: unknown) =>
      log.warn('the events file cannot be written', { file: config.eventsFile, error });
    const file = openRotatingFile(config.eventsFile, onFault);
    listeners.push((event) =>
      file.append(`${printable(JSON.stringify({ time: new Date(clock.now()).toISOString(), ...event }))}\n`),
    );
    closers.push(() => file.close());
  }
  if (config.metricsListen !== null) {
    const listen = config.metricsListen;
    const { createMetrics } = await import('./metrics.ts');
    const { serveMetrics } = await import('./metrics-server.ts');
    const metrics = createMetrics();
    const silentMs = silenceLimitMs(config);
    listeners.push((event) => metrics.count(event));
    serve = (status) => {
      const trouble = () => troubleOf(status(), clock.now(), silentMs);
      const server = serveMetrics(listen, { metrics: () => metrics.text(status()), trouble }, log);
      closers.push(() => server.close());
    };
  }
  if (config.otlpEndpoint !== null) {
    const { createSpanExporter } = await import('./span-exporter.ts');
    const { otlpEndpoint: endpoint, proxyUri } = config;
    const spans = createSpanExporter({ ...agent, endpoint, proxyUri, proxyEnvironment: process.env, clock, log });
    listeners.push((event) => spans.observe(event));
    closers.push(() => spans.close());
  }
  return {
    tell: (event) => {
      for (const listener of listeners) listener(event);
    },
    serve: (status) => serve(status),
    async close() {
      for (const close of closers) await close();
    },
  };
}
