/**
 * The door of both JSON APIs: `POST /`, answered by JSON. Which operation it is and who asks is not its matter.
 *
 * A poll that is held keeps what this door has made for it, for each host of a fleet; so that is little.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSlipwayError } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, encodeApiError, serviceUnavailable } from '../../protocol/errors.ts';
import type { Random } from '../../system/random.ts';
import type { GuardedResponse } from '../connections/guarded-response.ts';
import type { RequestListener } from '../connections/guarded-server.ts';
import { requireUnambiguous } from './unambiguous.ts';

export interface ApiDoorContext {
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
}

/** @param requestId what the answer names the request by */
type Call = (request: IncomingMessage, response: GuardedResponse, requestId: string) => Promise<object>;

/** @param call carries a request out, and throws an ApiError when it is refused */
export function createApiDoor(ctx: ApiDoorContext, call: Call): RequestListener {
  return (request, response) => void answer(ctx, call, request, response);
}

async function answer(
  ctx: ApiDoorContext,
  call: Call,
  request: IncomingMessage,
  response: GuardedResponse,
): Promise<void> {
  const requestId = ctx.random.uuid();
  try {
    requireUnambiguous(request.rawHeaders);
    const { method = '', url } = request;
    if (url !== '/' || !['POST', 'GET', 'HEAD'].includes(method)) throw notFound();
    if (method !== 'POST') {
      send(response, ALIVE);
      return;
    }
    const body = JSON.stringify(await call(request, response, requestId));
    send(response, {
      status: 200,
      headers: { 'x-amzn-requestid': requestId, 'content-type': 'application/x-amz-json-1.1' },
      body,
    });
  } catch (error) {
    const { status, headers, body } = encodeApiError(apiErrorOf(ctx, error, requestId));
    send(response, { status, headers: { ...headers, 'x-amzn-requestid': requestId }, body });
  }
}

/** Agents make sure at their start that something answers here; load balancers ask whether it lives. */
const ALIVE: Answer = { status: 200, headers: { 'content-type': 'text/plain' }, body: 'slipway control server\n' };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Nothing is sent to a client that has hung up. */
function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function notFound(): ApiError {
  return new ApiError('UnknownOperationException', 'Every operation is a POST to /, without a query.', { status: 404 });
}

function apiErrorOf(ctx: ApiDoorContext, thrown: unknown, requestId: string): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (isSlipwayError(thrown, 'SERVER_DATABASE_AWAY')) {
    return serviceUnavailable('The server cannot use its database just now. Try again in a few seconds.', thrown);
  }
  ctx.log.error('a request failed in the server itself', { requestId, error: thrown });
  return new ApiError(
    'InternalFailure',
    `The server has met a fault; its log has it under the request id ${requestId}.`,
    { status: 500 },
  );
}
