/** The server's own look at an application, before a balancer sends anybody there. */

import { fillTemplate } from './host-template.ts';
import { type BalancedHost, type CallRecord, wrongConfiguration } from './load-balancer.ts';

export interface ProbeSettings {
  /** Template of an http:// or https:// address. */
  readonly url: string;
  readonly status: number;
  /** So many good answers in a row. */
  readonly times: number;
}

export interface ProbeLook extends CallRecord {
  readonly isGood: boolean;
}

/** Asks as often as the settings say, and stops at the first answer that is not good. */
export async function probe(settings: ProbeSettings, host: BalancedHost, signal: AbortSignal): Promise<ProbeLook> {
  const url = fillTemplate(settings.url, host);
  const call = `GET ${url}`;
  if (!URL.canParse(url)) throw wrongConfiguration(call, 'that is no address', 'ELB_INVALID_INSTANCE');
  for (let time = 0; time < settings.times; time += 1) {
    const answer = await statusOf(url, signal);
    if (answer !== settings.status) return { call, answer: String(answer), isGood: false };
  }
  return { call, answer: String(settings.status), isGood: true };
}

/** @returns why there was no status, if there was none */
async function statusOf(url: string, signal: AbortSignal): Promise<number | string> {
  try {
    const answer = await fetch(url, { signal, redirect: 'manual', headers: { connection: 'close' } });
    await answer.body?.cancel();
    return answer.status;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
}
