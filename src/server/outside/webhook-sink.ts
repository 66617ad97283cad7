/**
 * A webhook that is told of deployments. It gets a POST in the envelope in which SNS sends to HTTP endpoints. So receivers of the hosted
 * service's notices can stay as they are. Only Amazon can make SNS' signature. In its place stands one by a shared secret: the HMAC-SHA256
 * of the time, a dot and the body, in hex. The time keeps an old request from being repeated.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html "HTTP/HTTPS notification JSON format"
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../system/clock.ts';
import { causeOf } from './alarm.ts';
import type { NoticeAnswer, OutgoingNotice, SendNotice } from './notice-target.ts';
import { beginningOf, type SignedReceiver, signedPost } from './signed-post.ts';

/** Statuses that are about this very request; all others may be different tomorrow. */
const REFUSALS: readonly number[] = [400, 413, 415, 422];

export function createWebhookSink(receiver: SignedReceiver, clock: Pick<Clock, 'now'>): SendNotice {
  return async (notice, signal) => {
    const headers = {
      'content-type': 'text/plain; charset=UTF-8',
      'x-amz-sns-message-type': 'Notification',
      'x-amz-sns-message-id': notice.messageId,
      'x-amz-sns-topic-arn': notice.target,
    };
    try {
      const request = { headers, body: envelopeOf(notice), nowMs: clock.now(), signal };
      return await answerOf(await signedPost(receiver, request));
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
