/** The control server's address: `POST /` for both JSON APIs, told apart by their target. Other requests go to the other doors. */
import type { IncomingMessage } from 'node:http';
import type { Logger } from '../../logging/logger.ts';
import { ApiError } from '../../protocol/errors.ts';
import { HOST_LOG_TARGET, PUT_LOGS } from '../../protocol/host-command/logs.ts';
import {
  HOST_COMMAND_SECURE_SIGNING_NAME,
  HOST_COMMAND_SECURE_TARGET,
  HOST_COMMAND_SIGNING_NAME,
  HOST_COMMAND_TARGET,
} from '../../protocol/host-command/shapes.ts';
import { ENROL_OPERATION } from '../../protocol/management/enrolment.ts';
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
import { type HostCommandService, looksAtPower } from '../commands/host-commands.ts';
import type { HostLogs } from '../commands/host-logs.ts';
import type { Connections } from '../connections/connections.ts';
import type { GuardedResponse } from '../connections/guarded-response.ts';
import type { RequestListener, TlsFiles } from '../connections/guarded-server.ts';
import { type Listener, listenAt } from '../connections/listener.ts';
import type { Rates } from '../connections/rates.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import type { RequestLabels } from '../telemetry/server-metrics.ts';
import { createApiDoor } from './api-door.ts';
import { type AuthenticationContext, beginAuthentication, type ProvedCaller } from './authenticate.ts';
import { type Calls, createCalls } from './calls.ts';
import { type Door, doorFor } from './doors.ts';
import { callEnrol } from './enrol-call.ts';
import { callHostCommand, callHostLogs } from './host-calls.ts';
import { rememberHostKeys } from './host-keys.ts';
import { readJson } from './read-json.ts';
import { labelsFor } from './request-labels.ts';
import type { Turns, Urgency } from './turns.ts';

export interface HttpContext {
  readonly api: ApiContext;
  readonly hostCommands: HostCommandService;
  /** null: the server takes no live logs. */
  readonly hostLogs: HostLogs | null;
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  readonly signingKeyOf: SigningKeyOf;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuid'>;
  readonly log: Logger;
  readonly connections: Connections;
  /** The order in which requests of all clients are carried out. */
  readonly turns: Turns;
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
  const hostsAtWork = { ...ctx, findKey: rememberHostKeys(ctx.findKey, ctx.clock) };
  const inside: CallContext = { ...ctx, calls: createCalls(ctx.onEnd), hostsAtWork };
  const api = createApiDoor(ctx, (...call) => handle(inside, ...call));
  const answer: RequestListener = (request, response) => {
    const door = doorFor(request);
    inside.calls.count(response, labelsFor(door, request, ctx.hostCommands));
    (door === 'api' ? api : ctx.doors[door])(request, response);
  };
  let listener: Listener | null = null;
  return {
    async listen(host, port) {
      listener = await listenAt(ctx, { host, port }, answer);
      return listener.url;
    },
    async close() {
      inside.calls.endAll();
      await listener?.close();
    },
  };
}

interface CallContext extends HttpContext {
  readonly calls: Calls;
  /** Proves callers of operations that ask the database themselves whether the key has power. */
  readonly hostsAtWork: AuthenticationContext;
}

/** Not an async function: a poll that is held keeps as little as possible. */
function handle(
  ctx: CallContext,
  request: IncomingMessage,
  response: GuardedResponse,
  requestId: string,
): Promise<object> {
  const target = splitTarget(request.headers['x-amz-target']);
  const [prefix, operation] = target;
  if (prefix === CONTROL_TARGET && operation === ENROL_OPERATION) return callEnrol(ctx, request, response, requestId);
  if (prefix === HOST_LOG_TARGET && operation === PUT_LOGS) return takeLogs(ctx, request, response);
  return carryOut(ctx, target, request, response, requestId);
}

async function carryOut(
  ctx: CallContext,
  [prefix, operation]: Target,
  request: IncomingMessage,
  response: GuardedResponse,
  requestId: string,
): Promise<object> {
  const { api, services } = apiOf(prefix, operation);
  const authentication = api === 'host-command' && looksAtPower(operation) ? ctx.hostsAtWork : ctx;
  const about = { authentication, services, urgency: urgencyOf(operation) };
  const { caller, input } = await provedCall(ctx, request, response, about);
  if (api === 'management') return callOperation(ctx.api, operation, input, caller, requestId);
  return callHostCommand(ctx, operation, input, caller, { request, response });
}

/** A place is taken before anything is read: what is refused for want of one must cost as good as nothing. */
async function takeLogs(ctx: CallContext, request: IncomingMessage, response: GuardedResponse): Promise<object> {
  if (ctx.hostLogs === null) throw new ApiError('UnknownOperationException', 'This server takes no live logs.');
  const place = ctx.hostLogs.admit();
  try {
    const services = [HOST_COMMAND_SIGNING_NAME, HOST_COMMAND_SECURE_SIGNING_NAME];
    const { caller, input } = await provedCall(ctx, request, response, {
      authentication: ctx,
      services,
      urgency: 'log',
    });
    return await callHostLogs(ctx.hostLogs, input, caller);
  } finally {
    place.done();
  }
}

interface Proof {
  readonly authentication: AuthenticationContext;
  /** That the signature may be scoped to. */
  readonly services: readonly string[];
  readonly urgency: Urgency;
}

/** Reads a call and finds out whose it is. @throws ApiError */
async function provedCall(
  ctx: HttpContext,
  request: IncomingMessage,
  response: GuardedResponse,
  { authentication, services, urgency }: Proof,
): Promise<{ readonly caller: ProvedCaller; readonly input: Input }> {
  const { method = 'POST', url: path = '/', headers } = request;
  const client = ctx.connections.clientOf(request);
  const turn = () => ctx.turns.take(urgency);
  const finishAuthentication = await beginAuthentication(
    authentication,
    { method, path, headers, client },
    services,
    turn,
  );
  const body = await ctx.connections.readBody(request, response, MAX_BODY_BYTES);
  const caller = await finishAuthentication(body);
  ctx.connections.verified(request, caller.accessKeyId);
  return { caller, input: readJson(body) };
}

/** As the operation is named: who asks is not known yet, and gains a place in a line and nothing else. */
function urgencyOf(operation: string): Urgency {
  switch (operation) {
    case 'PollHostCommand':
      return 'poll';
    case 'GetDeploymentSpecification':
      return 'specification';
    case 'PutHostCommandAcknowledgement':
      return 'acknowledgement';
    case 'PutHostCommandComplete':
      return 'report';
    default:
      return 'other';
  }
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

type Target = readonly [prefix: string, operation: string];

function splitTarget(header: string | string[] | undefined): Target {
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
