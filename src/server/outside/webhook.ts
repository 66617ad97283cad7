/**
 * A load balancer behind an address that is asked by POST: `{"action": "block", "host": {"name", "tags"}, "isDrainOver"}`, and answers 200
 * with `{"state": "draining", "message": "…"}`. It is asked again and again until the state is final, so each question must be safe to repeat.
 *
 * The signature is the HMAC-SHA256 of the time, a dot and the body, in hex. So nobody else can take hosts out, and nobody can repeat an old
 * question: the receiver refuses times that are minutes away.
 */
import { createHmac } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { parseAnswer, unfitAnswer } from './answer.ts';
import { type BalancedHost, BalancerFault, type LoadBalancer, UNKNOWN_REASSERT_MS } from './load-balancer.ts';
import { readAnswer } from './read-answer.ts';

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
  readonly drainLimitMs: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;

export function createWebhook(settings: WebhookSettings, clock: Pick<Clock, 'now'>): LoadBalancer {
  const { url, secret, drainLimitMs } = settings;
  async function ask<Action extends 'block' | 'allow'>(
    action: Action,
    host: BalancedHost,
    isDrainOver: boolean,
    signal: AbortSignal,
  ) {
    const call = `POST ${withoutSecrets(url)} (${action} ${host.name})`;
    const about = { name: host.name, tags: Object.fromEntries(host.tags) };
    const body = JSON.stringify({ action, host: about, isDrainOver });
    const time = String(Math.floor(clock.now() / 1000));
    const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'x-slipway-time': time,
      'x-slipway-signature': `sha256=${signature}`,
    };
    const answered = await post(url, { headers, body, signal }, call);
    const answer = answered.status === 200 ? parseAnswer(action, answered.text) : null;
    if (answer !== null) return { call, ...answer };
    const why =
      answered.status === 200
        ? unfitAnswer(action, answered.text)
        : `${answered.status} ${answered.text.slice(0, 200)}`;
    throw new BalancerFault({ call, answer: why.trim() });
  }
  return {
    drainLimitMs,
    reassertMs: UNKNOWN_REASSERT_MS,
    block: (host, { isDrainOver, signal }) => ask('block', host, isDrainOver, signal),
    allow: (host, { signal }) => ask('allow', host, false, signal),
  };
}

async function post(
  url: string,
  request: { readonly headers: Record<string, string>; readonly body: string; readonly signal: AbortSignal },
  call: string,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const answer = await fetch(url, { method: 'POST', redirect: 'manual', ...request });
    return { status: answer.status, text: await readAnswer(answer, MAX_ANSWER_BYTES) };
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new BalancerFault({ call, answer: messageOf(reason) }, { cause });
  }
}

/** For diagnostics, which anybody reads who may see the deployment. */
function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}
