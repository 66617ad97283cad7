/**
 * A webhook that is told of deployments. It gets a POST in the envelope in which SNS sends to HTTP endpoints. So receivers of the hosted
 * service's notices can stay as they are. Only Amazon can make SNS' signature. In its place stands one by a shared secret: the HMAC-SHA256
 * of the time, a dot and the body, in hex. The time keeps an old request from being repeated.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html "HTTP/HTTPS notification JSON format"
 */
import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { Clock } from '../../system/clock.ts';
import { causeOf } from './alarm.ts';
import type { NoticeAnswer, OutgoingNotice, SendNotice } from './notice-target.ts';

export interface WebhookSinkSettings {
  readonly url: string;
  readonly secret: string;
  /** Certificates, PEM, that are trusted for it beside Node's own. */
  readonly authorities: readonly string[];
}

/** Limit on the part of an answer that is quoted, in bytes. */
const MAX_WHY = 200;
/** Statuses that are about this very request; all others may be different tomorrow. */
const REFUSALS: readonly number[] = [400, 413, 415, 422];

export function createWebhookSink(settings: WebhookSinkSettings, clock: Pick<Clock, 'now'>): SendNotice {
  const url = new URL(settings.url);
  return async (notice, signal) => {
    const body = envelopeOf(notice);
    const time = String(Math.floor(clock.now() / 1000));
    const signature = createHmac('sha256', settings.secret).update(`${time}.${body}`).digest('hex');
    const headers = {
      'content-type': 'text/plain; charset=UTF-8',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-sns-message-type': 'Notification',
      'x-amz-sns-message-id': notice.messageId,
      'x-amz-sns-topic-arn': notice.target,
      'x-slipway-time': time,
      'x-slipway-signature': `sha256=${signature}`,
    };
    try {
      return await answerOf(await post(url, { headers, body, authorities: settings.authorities, signal }));
    } catch (error) {
      return { ending: 'failed', answer: `no answer: ${causeOf(error)}` };
    }
  };
}

function envelopeOf({ messageId, target, subject, message, madeAtMs, event }: OutgoingNotice): string {
  return JSON.stringify({
    Type: 'Notification',
    MessageId: messageId,
    TopicArn: target,
    Subject: subject,
    Message: message,
    Timestamp: new Date(madeAtMs).toISOString(),
    MessageAttributes: { event: { Type: 'String', Value: event } },
  });
}

interface Posted {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly authorities: readonly string[];
  readonly signal: AbortSignal;
}

/** Follows no redirect, and resolves when the status is there: what comes behind it is not waited for. */
function post(url: URL, { headers, body, authorities, signal }: Posted): Promise<IncomingMessage> {
  const isPrivate = url.protocol === 'https:' && authorities.length > 0;
  const options = {
    ...{ method: 'POST', headers, signal, agent: false as const },
    ...(isPrivate ? { ca: [...getCACertificates('default'), ...authorities] } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
    request.once('response', resolve).once('error', reject).end(body);
  });
}

async function answerOf(response: IncomingMessage): Promise<NoticeAnswer> {
  const { statusCode: status = 0 } = response;
  // Whoever has said yes has it, whatever becomes of the connection.
  response.on('error', () => undefined);
  if (status >= 200 && status < 300) {
    response.destroy();
    return { ending: 'sent', answer: String(status) };
  }
  if (status >= 300 && status < 400) {
    response.destroy();
    return {
      ending: 'failed',
      answer: `${status}: redirects are not followed; put the address where it leads into the file`,
    };
  }
  const why = await beginningOf(response);
  const answer = why === '' ? String(status) : `${status} ${why}`;
  return { ending: REFUSALS.includes(status) ? 'refused' : 'failed', answer };
}

/** The first words of an answer, in one line. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  let bytes = Buffer.alloc(0);
  try {
    for await (const piece of response) {
      bytes = Buffer.concat([bytes, piece as Buffer]);
      if (bytes.length >= MAX_WHY) break;
    }
  } catch {
    // It was cut off; what has come says enough.
  }
  return bytes.subarray(0, MAX_WHY).toString('utf8').replaceAll(/\s+/g, ' ').trim();
}
