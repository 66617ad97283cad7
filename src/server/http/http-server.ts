/** The control server's address: `POST /` for both JSON APIs, told apart by their target. Other requests go to the other doors. */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isSlipwayError, messageOf, SlipwayError } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, encodeApiError, serviceUnavailable } from '../../protocol/errors.ts';
import {
  HOST_COMMAND_SECURE_SIGNING_NAME,
  HOST_COMMAND_SECURE_TARGET,
  HOST_COMMAND_SIGNING_NAME,
  HOST_COMMAND_TARGET,
} from '../../protocol/host-command/shapes.ts';
import {
  CONTROL_TARGET,
  isControlOperation,
  MANAGEMENT_SIGNING_NAME,
  MANAGEMENT_TARGET,
} from '../../protocol/management/shapes.ts';
import type { SigningKeyOf } from '../../protocol/sigv4/signing-key.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { ApiContext, Input } from '../api/context.ts';
import { callOperation } from '../api/operations.ts';
import type { HostCommandService } from '../commands/host-commands.ts';
import type { Connections } from '../connections/connections.ts';
import type { RequestListener, TlsFiles } from '../connections/guarded-server.ts';
import { BACKLOG } from '../connections/limits.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import type { RequestLabels } from '../telemetry/server-metrics.ts';
import { beginAuthentication } from './authenticate.ts';
import { type Calls, createCalls } from './calls.ts';
import { type Door, doorFor } from './doors.ts';
import { callHostCommand } from './host-calls.ts';
import { readJson } from './read-json.ts';
import { labelsFor } from './request-labels.ts';
import { requireUnambiguous } from './unambiguous.ts';

export interface HttpContext {
  readonly api: ApiContext;
  readonly hostCommands: HostCommandService;
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  readonly signingKeyOf: SigningKeyOf;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
  readonly connections: Connections;
  /** The doors of the other APIs. */
  readonly doors: Readonly<Record<Exclude<Door, 'api'>, RequestListener>>;
  readonly tls: TlsFiles | null;
  /** Is told of each request, when it has ended. */
  onEnd(labels: RequestLabels, status: string): void;
}

export interface HttpServer {
  listen(host: string, port: number): Promise<string>;
  /** Ends long polls at once, lets other requests end, and closes. */
  close(): Promise<void>;
}

/** Far more than any request of these APIs. */
const MAX_BODY_BYTES = 1024 * 1024;

export function createHttpServer(ctx: HttpContext): HttpServer {
  const calls = createCalls();
  const server = makeFastify(ctx);
  server.post('/', async (request, reply) => {
    const requestId = ctx.random.uuid();
    try {
      const output = await handle(ctx, request, reply, calls);
      return reply
        .header('x-amzn-requestid', requestId)
        .header('content-type', 'application/x-amz-json-1.1')
        .send(JSON.stringify(output));
    } catch (error) {
      return sendError(ctx, reply, requestId, error);
    }
  });
  // Agents make sure at their start that something answers here; load balancers ask whether it lives.
  server.get('/', async (_request, reply) =>
    reply.header('content-type', 'text/plain').send('slipway control server\n'),
  );
  return {
    async listen(host, port) {
      try {
        const url = await server.listen({ host, port, backlog: BACKLOG });
        // Fastify does not know what the server speaks that was made for it.
        return ctx.tls === null ? url : url.replace(/^http:/, 'https:');
      } catch (cause) {
        throw new SlipwayError('SERVER_CANNOT_LISTEN', `${host}:${port} cannot be listened on: ${messageOf(cause)}`, {
          cause,
        });
      }
    },
    async close() {
      calls.endAll();
      await server.close();
    },
  };
}

function makeFastify(ctx: HttpContext): FastifyInstance {
  const server: FastifyInstance = fastify({
    serverFactory: (onRequest) =>
      ctx.connections.createServer(ctx.tls, (request, response) => {
        const door = doorFor(request);
        response.once('close', () =>
          ctx.onEnd(
            labelsFor(door, request, ctx.hostCommands),
            response.writableFinished ? String(response.statusCode) : 'closed',
          ),
        );
        if (door === 'api') onRequest(request, response);
        else ctx.doors[door](request, response);
      }),
    // The factory's servers answer what is no HTTP themselves.
    clientErrorHandler: () => undefined,
    forceCloseConnections: 'idle',
  });
  server.addHook('onRequest', async (request) => requireUnambiguous(request.raw.rawHeaders));
  // Bodies are read only when the head of a request has been found good.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _body, done) => done(null));
  server.setErrorHandler((error, _request, reply) => sendError(ctx, reply, ctx.random.uuid(), requestFault(error)));
  server.setNotFoundHandler((_request, reply) => sendError(ctx, reply, ctx.random.uuid(), notFound()));
  return server;
}

function notFound(): ApiError {
  return new ApiError('UnknownOperationException', 'Every operation is a POST to /, without a query.', { status: 404 });
}

async function handle(ctx: HttpContext, request: FastifyRequest, reply: FastifyReply, calls: Calls): Promise<object> {
  if (request.url !== '/') throw notFound();
  const [prefix, operation] = splitTarget(request.headers['x-amz-target']);
  const { api, services } = apiOf(prefix, operation);
  const finishAuthentication = await beginAuthentication(
    ctx,
    { method: request.method, path: request.url, headers: request.headers },
    services,
  );
  const body = await ctx.connections.readBody(request.raw, reply.raw, MAX_BODY_BYTES);
  const caller = await finishAuthentication(body);
  ctx.connections.verified(request.raw, caller.accessKeyId);
  const input: Input = readJson(body);
  if (api === 'management') return callOperation(ctx.api, operation, input, caller);
  return callHostCommand(ctx.hostCommands, operation, input, caller, request, reply, calls);
}

interface TargetedApi {
  readonly api: 'management' | 'host-command';
  readonly services: readonly string[];
}

/** Which API a target is of, and what its requests must be signed for. */
function apiOf(prefix: string, operation: string): TargetedApi {
  switch (prefix) {
    case MANAGEMENT_TARGET:
      if (isControlOperation(operation)) break;
      return { api: 'management', services: [MANAGEMENT_SIGNING_NAME] };
    case CONTROL_TARGET:
      if (!isControlOperation(operation)) break;
      return { api: 'management', services: [MANAGEMENT_SIGNING_NAME] };
    case HOST_COMMAND_TARGET:
      return { api: 'host-command', services: [HOST_COMMAND_SIGNING_NAME] };
    case HOST_COMMAND_SECURE_TARGET:
      return { api: 'host-command', services: [HOST_COMMAND_SECURE_SIGNING_NAME] };
  }
  throw new ApiError('UnknownOperationException', `There is no operation ${prefix}.${operation}.`);
}

function splitTarget(header: string | string[] | undefined): [string, string] {
  const target = Array.isArray(header) ? (header[0] ?? '') : (header ?? '');
  const dot = target.indexOf('.');
  if (dot < 1 || dot === target.length - 1) {
    throw new ApiError(
      'UnknownOperationException',
      "The header X-Amz-Target must be of the form 'CodeDeploy_20141006.Operation'.",
    );
  }
  return [target.slice(0, dot), target.slice(dot + 1)];
}

/** What fastify itself refuses, in the words of the API. */
function requestFault(error: unknown): unknown {
  const status = (error as { statusCode?: number }).statusCode;
  return status !== undefined && status < 500
    ? new ApiError('SerializationException', messageOf(error), { status })
    : error;
}

function sendError(ctx: HttpContext, reply: FastifyReply, requestId: string, thrown: unknown): FastifyReply {
  let error: ApiError;
  if (thrown instanceof ApiError) {
    error = thrown;
  } else if (isSlipwayError(thrown, 'SERVER_DATABASE_AWAY')) {
    error = serviceUnavailable('The server cannot use its database just now. Try again in a few seconds.', thrown);
  } else {
    ctx.log.error('a request failed in the server itself', { requestId, error: thrown });
    error = new ApiError(
      'InternalFailure',
      `The server has met a fault; its log has it under the request id ${requestId}.`,
      { status: 500 },
    );
  }
  const { status, headers, body } = encodeApiError(error);
  return reply.status(status).headers(headers).header('x-amzn-requestid', requestId).send(body);
}
