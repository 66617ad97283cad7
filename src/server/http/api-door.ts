/** The door of both JSON APIs: `POST /`, answered by JSON. Which operation it is and who asks is not its matter. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSlipwayError } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, encodeApiError, serviceUnavailable } from '../../protocol/errors.ts';
import type { Random } from '../../system/random.ts';
import type { RequestListener } from '../connections/guarded-server.ts';
import { requireUnambiguous } from './unambiguous.ts';

export interface ApiDoorContext {
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
}

/** Agents make sure at their start that something answers here; load balancers ask whether it lives. */
const GREETING = 'slipway control server\n';

/** Carries a request out. The id is the one that its answer carries. @throws ApiError when it is refused */
type Call = (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<object>;

export function createApiDoor(ctx: ApiDoorContext, call: Call): RequestListener {
  return (request, response) => {
    answer(ctx, call, request, response).catch((error: unknown) => {
      ctx.log.error('a request could not be answered', { error });
      response.destroy();
    });
  };
}

async function answer(
  ctx: ApiDoorContext,
  call: Call,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = ctx.random.uuid();
  try {
    requireUnambiguous(request.rawHeaders);
    const { method, url } = request;
    if ((method === 'GET' || method === 'HEAD') && url === '/') {
      end(request, response, 200, { 'content-type': 'text/plain' }, GREETING);
      return;
    }
    if (method !== 'POST' || url !== '/') throw notFound();
    const body = JSON.stringify(await call(request, response, requestId));
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId };
    end(request, response, 200, headers, body);
  } catch (thrown) {
    const { status, headers, body } = encodeApiError(apiErrorOf(ctx, thrown, requestId));
    end(request, response, status, { ...headers, 'x-amzn-requestid': requestId }, body);
  }
}

function end(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  // Its client may have hung up, or sent what the connection was closed for.
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
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
