/** The door of both JSON APIs: `POST /`, answered by JSON. Which operation it is and who asks is not its matter. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { isSlipwayError, messageOf } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, encodeApiError, serviceUnavailable } from '../../protocol/errors.ts';
import type { Random } from '../../system/random.ts';
import type { RequestListener } from '../connections/guarded-server.ts';
import { requireUnambiguous } from './unambiguous.ts';

export interface ApiDoorContext {
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
}

/** @param requestId what the answer names the request by */
type Call = (request: IncomingMessage, response: ServerResponse, requestId: string) => Promise<object>;

/**
 * @param createServer makes the server below, which hands over the requests that are meant for this door
 * @param call carries a request out, and throws an ApiError when it is refused
 */
export function createApiDoor(
  ctx: ApiDoorContext,
  createServer: (onRequest: RequestListener) => Server,
  call: Call,
): FastifyInstance {
  const door: FastifyInstance = fastify({
    serverFactory: createServer,
    // The factory's servers answer what is no HTTP themselves.
    clientErrorHandler: () => undefined,
    forceCloseConnections: 'idle',
  });
  door.addHook('onRequest', async (request) => requireUnambiguous(request.raw.rawHeaders));
  // Bodies are read only when the head of a request has been found good.
  door.removeAllContentTypeParsers();
  door.addContentTypeParser('*', (_request, _body, done) => done(null));
  door.setErrorHandler((error, _request, reply) => sendError(ctx, reply, ctx.random.uuid(), requestFault(error)));
  door.setNotFoundHandler((_request, reply) => sendError(ctx, reply, ctx.random.uuid(), notFound()));
  door.post('/', async (request, reply) => {
    const requestId = ctx.random.uuid();
    try {
      if (request.url !== '/') throw notFound();
      const output = await call(request.raw, reply.raw, requestId);
      return reply
        .header('x-amzn-requestid', requestId)
        .header('content-type', 'application/x-amz-json-1.1')
        .send(JSON.stringify(output));
    } catch (error) {
      return sendError(ctx, reply, requestId, error);
    }
  });
  // Agents make sure at their start that something answers here; load balancers ask whether it lives.
  door.get('/', async (_request, reply) => reply.header('content-type', 'text/plain').send('slipway control server\n'));
  return door;
}

function notFound(): ApiError {
  return new ApiError('UnknownOperationException', 'Every operation is a POST to /, without a query.', { status: 404 });
}

/** What fastify itself refuses, in the words of the API. */
function requestFault(error: unknown): unknown {
  const status = (error as { statusCode?: number }).statusCode;
  return status !== undefined && status < 500
    ? new ApiError('SerializationException', messageOf(error), { status })
    : error;
}

function sendError(ctx: ApiDoorContext, reply: FastifyReply, requestId: string, thrown: unknown): FastifyReply {
  const { status, headers, body } = encodeApiError(apiErrorOf(ctx, thrown, requestId));
  return reply.status(status).headers(headers).header('x-amzn-requestid', requestId).send(body);
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
