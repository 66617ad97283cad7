/**
 * A hook behind an address. It gets a signed POST, and answers in one of two ways: 200 with `{"status": "Succeeded"}` or `"Failed"`, or 202,
 * and then later by PutLifecycleEventHookExecutionStatus. Every other answer fails the event: none is taken for a success that was not
 * understood.
 *
 * A request may come twice, with the same execution id: the receiver must bear it, because a connection that breaks tells nobody whether the
 * request has arrived.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../system/clock.ts';
import { causeOf } from './alarm.ts';
import { type HookCalled, type KnownHook, wideHookPayload } from './hook-caller.ts';
import { readUpTo } from './read-answer.ts';
import { beginningOf, inOneLine, type SignedReceiver, signedPost } from './signed-post.ts';

const HEADERS = { 'content-type': 'application/json' };
/** An answer is two words; whoever sends more has not understood the question. Bytes. */
const MAX_ANSWER = 64 * 1024;
const MAX_MESSAGE = 500;
const WANTED =
  '200 with {"status": "Succeeded" | "Failed"}, or 202 for an answer by PutLifecycleEventHookExecutionStatus';

/** @param name as the file has it; the address stays with the server, because it may hold a secret */
export function createWebhookHook(
  name: string,
  receiver: SignedReceiver,
  limitMs: number,
  clock: Pick<Clock, 'now'>,
): KnownHook {
  return {
    ...{ call: `POST to the webhook ${name}`, limitMs, mayRunAgain: true },
    // Its name is in the server's file, and more is found out only by a call.
    tryOut: async () => null,
    async invoke(request, signal) {
      const limit = AbortSignal.timeout(limitMs);
      const body = wideHookPayload(request);
      const both = AbortSignal.any([signal, limit]);
      try {
        return await calledOf(await signedPost(receiver, { headers: HEADERS, body, nowMs: clock.now(), signal: both }));
      } catch (error) {
        if (limit.aborted) return { is: 'failed', answer: `there was no answer within ${limitMs / 1000} seconds` };
        return { is: 'again', answer: `no answer: ${causeOf(error)}` };
      }
    },
  };
}

/** @throws Error when the connection breaks in the middle of an answer that matters */
async function calledOf(response: IncomingMessage): Promise<HookCalled> {
  const { statusCode: status = 0 } = response;
  if (status === 202) {
    response.on('error', () => undefined).destroy();
    return { is: 'called', answer: '202', status: null };
  }
  if (status !== 200) {
    const redirect = status >= 300 && status < 400 ? ' (redirects are not followed)' : '';
    const answer = `${status}${redirect} ${await beginningOf(response)}`.trim();
    return { is: 'failed', answer: status >= 400 ? answer : `${answer} is not ${WANTED}` };
  }
  const text = (await readUpTo(response, MAX_ANSWER)).toString('utf8');
  const { status: said, message } = membersOf(text);
  if (said !== 'Succeeded' && said !== 'Failed') {
    return { is: 'failed', answer: `200 '${inOneLine(text).slice(0, 200)}' is not ${WANTED}` };
  }
  const why = typeof message === 'string' ? inOneLine(message).slice(0, MAX_MESSAGE) : '';
  return { is: 'called', answer: why === '' ? said : `${said}: ${why}`, status: said };
}

function membersOf(text: string): { readonly status?: unknown; readonly message?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
