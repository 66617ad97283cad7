/** Calls a function of Lambda once, and tells what is known of the call afterwards. */
import type { Lambda } from '@aws-sdk/client-lambda';
import type { HookCalled, HookCaller } from '../hook-caller.ts';
import { awsFailureOf, whyInWords } from './aws-error.ts';

/** The connection was not made, so no function has heard of the call. */
const NEVER_SENT: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const MAX_SAID = 500;

/** @param clientFor the client of the region that an ARN names, or of the server's own; it must not repeat calls by itself */
export function createFunctionCaller(clientFor: (functionName: string) => Promise<Lambda>): HookCaller {
  return async (functionName, payload, abortSignal) => {
    const request = { FunctionName: functionName, InvocationType: 'RequestResponse', Payload: payload } as const;
    try {
      const client = await clientFor(functionName);
      const { FunctionError, Payload } = await client.invoke(request, { abortSignal });
      const said = Payload === undefined ? '' : Buffer.from(Payload).toString('utf8').slice(0, MAX_SAID);
      if (FunctionError) return { is: 'failed', answer: `${FunctionError}: ${said}` };
      return { is: 'called', answer: said === '' ? 'it returned nothing' : `it returned ${said}`, status: null };
    } catch (error) {
      return whatIsKnown(error);
    }
  };
}

function whatIsKnown(error: unknown): HookCalled {
  const answer = whyInWords(error);
  if (NEVER_SENT.includes((error as { readonly code?: unknown }).code)) return { is: 'not-called', answer };
  switch (awsFailureOf(error).trouble) {
    case 'throttled':
      return { is: 'not-called', answer };
    case 'away':
      return (error as { readonly name?: unknown }).name === 'SlipwayError'
        ? { is: 'refused', answer }
        : { is: 'unknown', answer };
    default:
      return { is: 'refused', answer };
  }
}
