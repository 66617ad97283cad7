/**
 * Counts of one server since its start, and their text for Prometheus. No label is a name that a user has chosen: there are as many values
 * as there are operations, statuses and states. Pure but for what it counts itself.
 */
import { createHistogram, escapeLabel, metricText } from '../../system/prometheus.ts';

/** Limits that a refused request can have exceeded. */
const LIMITS = ['key', 'host', 'address', 'failures'] as const;
type Throttled = (typeof LIMITS)[number];

const REPORTS = ['Succeeded', 'Failed'] as const;
const NOTICE_RESULTS = ['sent', 'failed', 'given-up'] as const;

export interface RequestLabels {
  readonly api: 'management' | 'host-command' | 'iam-sts' | 's3' | 'health' | 'console' | 'other';
  /** Operation of a JSON API, or method of S3; `other` for unknown ones, `any` where nobody looks closer. */
  readonly operation: string;
}

/** Figures that hold when the text is asked for. */
export interface ServerFigures {
  readonly version: string;
  readonly database: 'sqlite' | 'postgres';
  readonly startedAtMs: number;
  readonly pollsWaiting: number;
  /** How many deployments there are in each state; null: the database does not say. */
  readonly deployments: ReadonlyMap<string, number> | null;
  readonly process: ProcessFigures;
}

export interface ProcessFigures {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly cpuSeconds: number;
  /** How late the event loop was since the last question; seconds. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface ServerMetrics {
  /** @param status of HTTP, or `closed` when the client was gone before the answer */
  request(labels: RequestLabels, status: string): void;
  /** A step of a deployment, with the wait for those before it. */
  step(seconds: number): void;
  transaction(seconds: number): void;
  /** A question to the database that failed because it was down. */
  databaseFault(): void;
  /** The outcome of a lifecycle event that a host has reported. */
  report(status: (typeof REPORTS)[number]): void;
  /** Notices that were sent, that were not taken at a try, or that are given up. */
  notices(result: (typeof NOTICE_RESULTS)[number], count: number): void;
  /** A request that was refused because too many came. */
  throttled(by: Throttled): void;
  text(now: ServerFigures): string;
}

const STEP_BOUNDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const TRANSACTION_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2];

export function createServerMetrics(): ServerMetrics {
  const requests = new Map<string, number>();
  // Zero from the beginning, so that the first one is an increase.
  const reports = new Map(REPORTS.map((status) => [`status="${status}"`, 0]));
  const notices = new Map(NOTICE_RESULTS.map((result) => [`result="${result}"`, 0]));
  const throttled = new Map(LIMITS.map((by) => [`by="${by}"`, 0]));
  const steps = createHistogram(STEP_BOUNDS);
  const transactions = createHistogram(TRANSACTION_BOUNDS);
  let databaseFaults = 0;
  const add = (counts: Map<string, number>, labels: string) => counts.set(labels, (counts.get(labels) ?? 0) + 1);
  return {
    request: ({ api, operation }, status) =>
      void add(requests, `api="${api}",operation="${operation}",status="${status}"`),
    step: steps.observe,
    transaction: transactions.observe,
    databaseFault: () => {
      databaseFaults += 1;
    },
    report: (status) => void add(reports, `status="${status}"`),
    notices: (result, count) =>
      void notices.set(`result="${result}"`, (notices.get(`result="${result}"`) ?? 0) + count),
    throttled: (by) => void add(throttled, `by="${by}"`),
    text: (now) =>
      [
        aboutServer(now),
        metricText('slipway_server_requests_total', 'counter', 'Requests that have ended.', [...requests]),
        metricText('slipway_server_events_reported_total', 'counter', 'Outcomes that hosts have reported.', [
          ...reports,
        ]),
        metricText('slipway_server_notices_total', 'counter', 'Notices of triggers, by what came of a try.', [
          ...notices,
        ]),
        metricText('slipway_server_throttled_total', 'counter', 'Requests that were refused because too many came.', [
          ...throttled,
        ]),
        steps.text('slipway_server_step_seconds', 'Steps of deployments, with their waits for each other.'),
        transactions.text('slipway_server_transaction_seconds', 'Transactions with the database.'),
        metricText('slipway_server_database_faults_total', 'counter', 'Questions that the database did not answer.', [
          ['', databaseFaults],
        ]),
        aboutProcess(now.process),
      ].join(''),
  };
}

function aboutServer({ version, database, startedAtMs, pollsWaiting, deployments }: ServerFigures): string {
  const info = `version="${escapeLabel(version)}",database="${database}"`;
  const byState = [...(deployments ?? [])].map(
    ([status, count]) => [`status="${escapeLabel(status)}"`, count] as const,
  );
  return [
    metricText('slipway_server_info', 'gauge', 'The server and its database.', [[info, 1]]),
    metricText('slipway_server_start_time_seconds', 'gauge', 'When it started.', [['', startedAtMs / 1000]]),
    metricText('slipway_server_database_up', 'gauge', '1: the database answers.', [['', deployments === null ? 0 : 1]]),
    metricText('slipway_server_polls_open', 'gauge', 'Hosts that wait for work here.', [['', pollsWaiting]]),
    metricText('slipway_server_deployments', 'gauge', 'Deployments that are kept.', byState),
  ].join('');
}

function aboutProcess({ residentBytes, heapUsedBytes, cpuSeconds, loopDelay }: ProcessFigures): string {
  return [
    metricText('process_resident_memory_bytes', 'gauge', 'Memory of the process.', [['', residentBytes]]),
    metricText('process_cpu_seconds_total', 'counter', 'Processor time of the process.', [['', cpuSeconds]]),
    metricText('slipway_server_heap_used_bytes', 'gauge', 'Memory that objects take.', [['', heapUsedBytes]]),
    metricText('slipway_server_event_loop_delay_seconds', 'gauge', 'Delay of the event loop since the last question.', [
      ['quantile="0.5"', loopDelay.p50],
      ['quantile="0.99"', loopDelay.p99],
      ['quantile="1"', loopDelay.max],
    ]),
  ].join('');
}
