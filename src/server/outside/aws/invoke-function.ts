/** Calls a function of Lambda once, and tells what is known of the call afterwards. Tries before whether it can be called. */
import type { Lambda } from '@aws-sdk/client-lambda';
import { type HookCalled, hookPayload, type KnownHook } from '../hook-caller.ts';
import { awsFailureOf, whyInWords } from './aws-error.ts';

/** The connection was not made, so no function has heard of the call. */
const NEVER_SENT: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const MAX_SAID = 500;
/** A function may answer an hour after its call: the hosted service waits so long. */
const LIMIT_MS = 60 * 60_000;
/** A function may run for 15 minutes, and its call ends with it. */
const CALL_LIMIT_MS = 16 * 60_000;
/** Status of an answer to a call that was only tried. */
const MAY_BE_CALLED = 204;

/** @param clientFor the client of the region that an ARN names, or of the server's own; it must not repeat calls by itself */
export function createFunctionHooks(clientFor: (functionName: string) => Promise<Lambda>) {
  return (functionName: string): KnownHook => ({
    ...{ call: `Invoke ${functionName}`, limitMs: LIMIT_MS, mayRunAgain: true },
    async tryOut(abortSignal) {
      const request = { FunctionName: functionName, InvocationType: 'DryRun' } as const;
      try {
        const client = await clientFor(functionName);
        const { StatusCode } = await client.invoke(request, { abortSignal });
        if (StatusCode === MAY_BE_CALLED) return null;
        return `may not be callable: Lambda has answered Invoke (DryRun) with ${StatusCode}, and not ${MAY_BE_CALLED}`;
      } catch (error) {
        return whyNot(error);
      }
    },
    async invoke(hookRequest, signal) {
      const Payload = hookPayload(hookRequest);
      const request = { FunctionName: functionName, InvocationType: 'RequestResponse', Payload } as const;
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
      try {
        const client = await clientFor(functionName);
        const answer = await client.invoke(request, { abortSignal });
        const said =
          answer.Payload === undefined ? '' : Buffer.from(answer.Payload).toString('utf8').slice(0, MAX_SAID);
        if (answer.FunctionError) return { is: 'failed', answer: `${answer.FunctionError}: ${said}` };
        return { is: 'called', answer: said === '' ? 'it returned nothing' : `it returned ${said}`, status: null };
      } catch (error) {
        return whatIsKnown(error);
      }
    },
  });
}

/** A fault that may pass leaves open whether it can be called, which is not taken for a yes. */
function whyNot(error: unknown): string {
  const answer = whyInWords(error);
  const call = 'Invoke (DryRun)';
  switch (awsFailureOf(error).trouble) {
    case 'denied':
      return `may not be called: the server's keys need the right lambda:InvokeFunction on it. ${call}: ${answer}`;
    case 'missing':
      return `is no function of this region and account. ${call}: ${answer}`;
    case 'throttled':
    case 'away':
      return `could not be tried just now: ask again. ${call}: ${answer}`;
    default:
      return `cannot be called. ${call}: ${answer}`;
  }
}

function whatIsKnown(error: unknown): HookCalled {
  const answer = whyInWords(error);
  if (NEVER_SENT.includes((error as { readonly code?: unknown }).code)) return { is: 'again', answer };
  switch (awsFailureOf(error).trouble) {
    case 'throttled':
      return { is: 'again', answer };
    case 'away':
      return (error as { readonly name?: unknown }).name === 'SlipwayError'
        ? { is: 'refused', answer }
        : { is: 'unknown', answer };
    default:
      return { is: 'refused', answer };
  }
}
