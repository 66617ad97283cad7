/** An alarm that is a query to Prometheus: it is active while any value of the answer is beyond a threshold. */
import { type Alarm, type AlarmReading, causeOf } from './alarm.ts';
import { readAnswer } from './read-answer.ts';

export interface PrometheusSettings {
  /** Address of the server, without `/api/v1/query`. */
  readonly url: string;
  readonly query: string;
  /** Values on this side of it are an alarm. */
  readonly side: 'above' | 'below';
  readonly threshold: number;
}

/** An answer that is longer is no number. */
const MAX_ANSWER_BYTES = 1_000_000;

export function createPrometheusAlarm(settings: PrometheusSettings): Alarm {
  const url = new URL('api/v1/query', settings.url.endsWith('/') ? settings.url : `${settings.url}/`);
  url.searchParams.set('query', settings.query);
  const unreadable = (why: string): AlarmReading => ({ state: 'unreadable', detail: `${url.origin} ${why}` });
  return async (signal) => {
    try {
      const answer = await fetch(url, { signal, redirect: 'error', headers: { connection: 'close' } });
      if (!answer.ok) return unreadable(`answered ${answer.status} to the query ${settings.query}`);
      const values = valuesOf(JSON.parse(await readAnswer(answer, MAX_ANSWER_BYTES)));
      if (values === null) return unreadable(`answered no numbers to the query ${settings.query}`);
      return judge(values, settings);
    } catch (error) {
      return unreadable(`could not be asked: ${causeOf(error)}`);
    }
  };
}

/** No value at all is no alarm: nothing was measured. */
function judge(values: readonly number[], { query, side, threshold }: PrometheusSettings): AlarmReading {
  const bad = values.find((value) => (side === 'above' ? value > threshold : value < threshold));
  const detail = `${query} is ${bad ?? values[0] ?? 'nothing'}, and ${side} ${threshold} is an alarm`;
  return { state: bad === undefined ? 'ok' : 'alarm', detail };
}

/** @see https://prometheus.io/docs/prometheus/latest/querying/api/ "Expression query result formats": vectors and scalars */
function valuesOf(answer: unknown): readonly number[] | null {
  const { status, data } = (answer ?? {}) as { readonly status?: unknown; readonly data?: unknown };
  const { resultType, result } = (data ?? {}) as { readonly resultType?: unknown; readonly result?: unknown };
  if (status !== 'success' || !Array.isArray(result)) return null;
  const samples: unknown[] =
    resultType === 'vector' ? result.map((entry) => (entry as { readonly value?: unknown } | null)?.value) : [result];
  const values = samples.map((sample) => (Array.isArray(sample) ? numberOf(sample[1]) : null));
  return values.every((value) => value !== null) ? values : null;
}

/** As Prometheus writes them. NaN is what a ratio without any traffic is, and on no side of a threshold. */
function numberOf(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const known = { NaN: Number.NaN, '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY }[text];
  if (known !== undefined) return known;
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}
