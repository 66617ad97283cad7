/** The door of IAM and STS: `POST /` with a form, answered by XML. Their calls are few and short, so nothing here is held open. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSlipwayError } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { ApiError, retryAfterHeader, serviceUnavailable } from '../../protocol/errors.ts';
import { encodeQueryAnswer, encodeQueryError } from '../../protocol/query/answer.ts';
import { readForm } from '../../protocol/query/form.ts';
import type { SigningKeyOf } from '../../protocol/sigv4/signing-key.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Connections } from '../connections/connections.ts';
import type { RequestListener } from '../connections/guarded-server.ts';
import type { Rates } from '../connections/rates.ts';
import type { IdentityContext } from '../iam/context.ts';
import { callIdentityOperation, IDENTITY_APIS, type IdentityApi } from '../iam/operations.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import { beginAuthentication } from './authenticate.ts';
import { signedServiceOf } from './doors.ts';
import { requireUnambiguous } from './unambiguous.ts';

export interface QueryDoorContext {
  readonly identity: IdentityContext;
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  readonly signingKeyOf: SigningKeyOf;
  readonly rates: Rates;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'uuid'>;
  readonly connections: Pick<Connections, 'clientOf' | 'readBody' | 'verified'>;
  readonly log: Logger;
}

/** Larger than the largest policy with every character escaped. */
const MAX_BODY_BYTES = 64 * 1024;

export function createQueryDoor(ctx: QueryDoorContext): RequestListener {
  return (request, response) => void answer(ctx, request, response);
}

async function answer(ctx: QueryDoorContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = ctx.random.uuid();
  const api = apiOf(request);
  const { namespace } = api;
  let [status, body] = [200, ''];
  try {
    const { action, output } = await handle(ctx, api, request, response, requestId);
    body = encodeQueryAnswer({ action, namespace, requestId }, output);
  } catch (thrown) {
    const error = queryErrorOf(ctx, thrown, requestId);
    status = error.status;
    body = encodeQueryError({ namespace, requestId, status }, { code: error.type, message: error.message });
    // What is left of a request that is refused is not read any more.
    if (!request.complete) response.setHeader('connection', 'close');
    for (const [name, value] of Object.entries(retryAfterHeader(error))) response.setHeader(name, value);
  }
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': requestId,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** The API that a request is signed for. One that is not signed is refused, in the words of the first. */
function apiOf(request: IncomingMessage): IdentityApi {
  const service = signedServiceOf(request);
  const api = IDENTITY_APIS.find((one) => one.service === service) ?? IDENTITY_APIS[0];
  if (api === undefined) throw new Error('there is no API of the Query protocol');
  return api;
}

async function handle(
  ctx: QueryDoorContext,
  api: IdentityApi,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
) {
  requireUnambiguous(request.rawHeaders);
  const { method = 'GET', url = '/', headers } = request;
  if (method !== 'POST' || url !== '/') {
    throw new ApiError('InvalidAction', 'Every operation is a POST to / with a form, signed in its header.');
  }
  requireForm(headers['content-type'] ?? '');
  const client = ctx.connections.clientOf(request);
  const finishAuthentication = await beginAuthentication(ctx, { method, path: url, headers, client }, [api.service]);
  const body = await ctx.connections.readBody(request, response, MAX_BODY_BYTES);
  const caller = await finishAuthentication(body);
  ctx.connections.verified(request, caller.accessKeyId);
  return callIdentityOperation(ctx.identity, api, readForm(body), caller, requestId);
}

function requireForm(contentType: string): void {
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) return;
  const shown = JSON.stringify(contentType.slice(0, 100));
  throw new ApiError('InvalidAction', `The body must be application/x-www-form-urlencoded, but is ${shown}.`);
}

/** Signature faults and refusals have other names here than in the JSON APIs, and some have another status. */
const QUERY_CODES: Readonly<Record<string, { readonly code: string; readonly status?: number }>> = {
  MissingAuthenticationTokenException: { code: 'MissingAuthenticationToken' },
  IncompleteSignatureException: { code: 'IncompleteSignature' },
  UnrecognizedClientException: { code: 'InvalidClientTokenId', status: 403 },
  InvalidSignatureException: { code: 'SignatureDoesNotMatch', status: 403 },
  AccessDeniedException: { code: 'AccessDenied' },
  InvalidRequestException: { code: 'InvalidInput' },
  RequestTimeoutException: { code: 'RequestExpired' },
  SerializationException: { code: 'MalformedQueryString' },
  ThrottlingException: { code: 'Throttling' },
};

function queryErrorOf(ctx: Pick<QueryDoorContext, 'log'>, thrown: unknown, requestId: string): ApiError {
  if (thrown instanceof ApiError) {
    const { code, status = thrown.status } = QUERY_CODES[thrown.type] ?? { code: thrown.type };
    const { retryAfterSeconds } = thrown;
    return new ApiError(code, thrown.message, { status, ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }) });
  }
  if (isSlipwayError(thrown, 'SERVER_DATABASE_AWAY')) {
    return serviceUnavailable('The server cannot use its database just now. Try again in a few seconds.', thrown);
  }
  ctx.log.error('a request failed in the server itself', { requestId, error: thrown });
  const message = `The server has met a fault; its log has it under the request id ${requestId}.`;
  return new ApiError('InternalFailure', message, { status: 500 });
}
