/**
 * The door of the console: the page and its files for everybody, and for people who have signed in the management API, with a session in
 * place of a signature. It is the API of all other clients: the same operations, permissions, scopes and entries of the audit log.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSlipwayError } from '../../../errors.ts';
import type { Logger } from '../../../logging/logger.ts';
import { ApiError, encodeApiError, serviceUnavailable } from '../../../protocol/errors.ts';
import type { Random } from '../../../system/random.ts';
import { signOut } from '../../api/console-sessions.ts';
import { type ApiContext, type Input, seconds } from '../../api/context.ts';
import { callOperation } from '../../api/operations.ts';
import { operationsFor } from '../../api/permissions.ts';
import type { RequestListener } from '../../connections/guarded-server.ts';
import { readJson } from '../read-json.ts';
import { requireUnambiguous } from '../unambiguous.ts';
import { noCookies, sessionCookie } from './cookies.ts';
import type { ConsoleFile, ConsoleFiles } from './files.ts';
import { FOR_EVER, NEVER, SECURITY_HEADERS } from './headers.ts';
import { NOT_BUILT_PAGE } from './not-built.ts';
import { isSecurePage, requireOwnPage } from './own-page.ts';
import { type Refusal, refusedPage } from './refused-page.ts';
import { METHODS, type Route, routeOf } from './routes.ts';
import { beginSingleSignOn, describeProvider, endSingleSignOn, type SingleSignOnContext } from './single-sign-on.ts';
import type { Streams } from './streams.ts';
import { requireTopic } from './topics.ts';
import { isStillWelcome, requireVisitor, signInBySignature, type Visitor } from './visitors.ts';

export interface ConsoleDoorContext extends Omit<SingleSignOnContext, 'random'> {
  readonly api: ApiContext;
  readonly files: ConsoleFiles;
  readonly streams: Streams;
  readonly random: Pick<Random, 'uuid' | 'bytes'>;
  readonly log: Logger;
  /** Resolves when it is this request's turn among those of all clients. */
  turn(): Promise<void>;
}

/** As the API's own door takes it. */
const MAX_BODY_BYTES = 1024 * 1024;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

export function createConsoleDoor(ctx: ConsoleDoorContext): RequestListener {
  return (request, response) => {
    const exchange = { request, response, requestId: ctx.random.uuid() };
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    response.setHeader('x-amzn-requestid', exchange.requestId);
    answer(ctx, exchange).catch((error: unknown) => sendError(ctx, exchange, error));
  };
}

async function answer(ctx: ConsoleDoorContext, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  requireUnambiguous(request.rawHeaders);
  const route = routeOf(request.url ?? '/');
  const methods = METHODS[route.to];
  if (!methods.includes(request.method ?? '')) {
    response.setHeader('allow', methods.join(', '));
    throw new ApiError('InvalidRequestException', `Only ${methods.join(', ')} is answered here.`, { status: 405 });
  }
  switch (route.to) {
    case 'page':
      return sendPage(ctx, exchange);
    case 'asset':
      return sendAsset(ctx, exchange, route.name);
    case 'callback':
      await ctx.turn();
      return answerCallback(ctx, exchange);
    default:
      requireOwnPage(request.headers, request.method !== 'GET');
      await ctx.turn();
      return answerOwnPage(ctx, exchange, route);
  }
}

type OwnRoute = Exclude<Route, { readonly to: 'page' | 'asset' | 'callback' }>;

async function answerOwnPage(ctx: ConsoleDoorContext, exchange: Exchange, route: OwnRoute): Promise<void> {
  const { request, response, requestId } = exchange;
  if (route.to === 'single-sign-on') return answerSingleSignOn(ctx, exchange);
  if (route.to === 'session' && request.method === 'POST') {
    const { token, expiresAtMs } = await signInBySignature(ctx, request, response, requestId);
    const lifeMs = expiresAtMs - ctx.clock.now();
    response.setHeader('set-cookie', sessionCookie(token, isSecurePage(request.headers), lifeMs));
    return sendJson(response, { expireTime: seconds(expiresAtMs) });
  }
  const visitor = await requireVisitor(ctx, request);
  switch (route.to) {
    case 'call':
      return sendJson(response, await callAsVisitor(ctx, exchange, route.name, visitor));
    case 'events':
      return openStream(ctx, exchange, route.topic, visitor);
    default: {
      if (request.method === 'GET') return sendJson(response, describe(ctx, visitor));
      const { caller, session } = visitor;
      await signOut(ctx, caller, { session, which: route.to === 'session' ? 'this' : 'all', requestId });
      response.setHeader('set-cookie', noCookies());
      return sendJson(response, {});
    }
  }
}

async function answerSingleSignOn(ctx: ConsoleDoorContext, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  if (request.method === 'GET') return sendJson(response, describeProvider(ctx.provider));
  const { returnTo } = await readBody(ctx, exchange);
  const { address, cookie } = await beginSingleSignOn(ctx, request, returnTo);
  response.setHeader('set-cookie', cookie);
  sendJson(response, { address });
}

/** The provider has sent the browser here, so this answers with a page, whatever comes of it. */
async function answerCallback(ctx: ConsoleDoorContext, exchange: Exchange): Promise<void> {
  const { request, response, requestId } = exchange;
  const outcome = await endSingleSignOn(ctx, request, requestId).catch((error: unknown) => {
    const { message, status } = apiErrorOf(ctx, error, requestId);
    const refusal: Refusal = { status: status < 500 ? 429 : 503, what: message, remedy: 'Try again later.' };
    return { ending: 'refused', refusal, cookies: [] } as const;
  });
  if (outcome.cookies.length > 0) response.setHeader('set-cookie', outcome.cookies);
  if (outcome.ending === 'signed-in') {
    const headers = { location: outcome.returnTo, 'cache-control': NEVER };
    return send(response, 303, headers, Buffer.alloc(0));
  }
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': NEVER };
  send(response, outcome.refusal.status, headers, Buffer.from(refusedPage(outcome.refusal, requestId)));
}

async function callAsVisitor(
  ctx: ConsoleDoorContext,
  exchange: Exchange,
  operation: string,
  { caller }: Visitor,
): Promise<object> {
  return callOperation(ctx.api, operation, await readBody(ctx, exchange), caller, exchange.requestId);
}

async function readBody(ctx: ConsoleDoorContext, { request, response }: Exchange): Promise<Input> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new ApiError('SerializationException', 'The body must be application/json.', { status: 415 });
  }
  return readJson(await ctx.connections.readBody(request, response, MAX_BODY_BYTES));
}

async function openStream(ctx: ConsoleDoorContext, { response }: Exchange, topic: string, visitor: Visitor) {
  const headers = { 'cache-control': NEVER, 'x-accel-buffering': 'no' };
  const { accessKeyId } = visitor.caller;
  const stream = { topic: await requireTopic(ctx.api, topic, visitor.caller), accessKeyId };
  ctx.streams.open({ ...stream, isStillWelcome: () => isStillWelcome(ctx, visitor) }, response, headers);
}

/** Facts about the person, for a page that shows nothing that would be refused. */
function describe({ api }: ConsoleDoorContext, { caller, session }: Visitor): object {
  const { accessKeyId, role, scope } = caller;
  return {
    accessKeyId,
    ...(session.person === null ? {} : { name: session.person.name }),
    role,
    ...(scope === null ? {} : { scope }),
    operations: operationsFor(role, scope !== null),
    expireTime: seconds(session.expiresAtMs),
    serverVersion: api.server.version,
  };
}

async function sendPage({ files }: ConsoleDoorContext, { request, response }: Exchange): Promise<void> {
  const page = await files.page(request.headers['accept-encoding']);
  if (page === null) {
    const body = Buffer.from(NOT_BUILT_PAGE);
    return send(response, 503, { 'content-type': 'text/html; charset=utf-8', 'cache-control': NEVER }, body, request);
  }
  sendFile(response, page, NEVER, request);
}

async function sendAsset({ files }: ConsoleDoorContext, { request, response }: Exchange, name: string): Promise<void> {
  const file = await files.asset(name, request.headers['accept-encoding']);
  if (file === null) throw new ApiError('ResourceNotFoundException', 'The console has no such file.', { status: 404 });
  sendFile(response, file, FOR_EVER, request);
}

function sendFile(
  response: ServerResponse,
  { bytes, type, encoding }: ConsoleFile,
  caching: string,
  request: IncomingMessage,
): void {
  const encoded = encoding === 'identity' ? {} : { 'content-encoding': encoding };
  send(
    response,
    200,
    { 'content-type': type, 'cache-control': caching, vary: 'accept-encoding', ...encoded },
    bytes,
    request,
  );
}

function sendJson(response: ServerResponse, value: object): void {
  send(
    response,
    200,
    { 'content-type': 'application/json', 'cache-control': NEVER },
    Buffer.from(JSON.stringify(value)),
  );
}

/** Nothing is sent to a client that has hung up. */
function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  request: Pick<IncomingMessage, 'method'> = {},
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function sendError(ctx: ConsoleDoorContext, { response, requestId }: Exchange, thrown: unknown): void {
  const { status, headers, body } = encodeApiError(apiErrorOf(ctx, thrown, requestId));
  // The browser is rid of a cookie that signs nobody in.
  if (status === 401) response.setHeader('set-cookie', noCookies());
  const own = { ...headers, 'content-type': 'application/json', 'cache-control': NEVER };
  send(response, status, own, Buffer.from(body));
}

function apiErrorOf(ctx: ConsoleDoorContext, thrown: unknown, requestId: string): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (isSlipwayError(thrown, 'SERVER_DATABASE_AWAY')) {
    return serviceUnavailable('The server cannot use its database just now. Try again in a few seconds.', thrown);
  }
  ctx.log.error('a request of the console failed in the server itself', { requestId, error: thrown });
  const message = `The server has met a fault; its log has it under the request id ${requestId}.`;
  return new ApiError('InternalFailure', message, { status: 500 });
}
