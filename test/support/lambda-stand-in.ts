/**
 * A small Lambda of a test's own: aliases with weights and revision ids that are held against each update, provisioned concurrency, and
 * functions that are code of the test. It speaks Lambda's REST protocol, checks no signature, and can fail as the test says.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AliasState {
  functionVersion: string;
  /** Fractions by version. */
  weights: Record<string, number>;
  revision: number;
}

/** Payload that a function is called with. */
export interface HookEvent {
  readonly DeploymentId: string;
  readonly LifecycleEventHookExecutionId: string;
}

export type Handler = (event: HookEvent) => Promise<unknown> | unknown;

/** How a call goes wrong: an error of Lambda's; `hang up` before or after the call is carried out; or no answer. */
export type Fault =
  | { readonly status: number; readonly code: string; readonly message?: string }
  | 'hang up before'
  | 'hang up after';

/** Value of `InvocationType` of a call that is only tried. */
const TRIED = 'DryRun';

export interface LambdaCall {
  readonly operation: string;
  readonly functionName: string;
  readonly body: unknown;
}

export interface LambdaStandIn extends AsyncDisposable {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly calls: LambdaCall[];
  /** Weights by `FUNCTION:ALIAS`. */
  readonly aliases: Map<string, AliasState>;
  /** Every state that an alias has had since it was made, as percent of the version 2. */
  readonly history: number[];
  readonly functions: Map<string, Handler>;
  /** Concurrency by `FUNCTION:QUALIFIER`. */
  readonly provisioned: Map<string, 'READY' | 'IN_PROGRESS' | 'FAILED'>;
  /** Asked before each call; null: it goes well. */
  fault: (call: LambdaCall) => Fault | null;
  /** Told when a call is carried out, and before it is answered. */
  carriedOut: (call: LambdaCall) => void;
}

const ACCOUNT = '123456789012';
const arnOf = (name: string) => `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`;
const ERROR_OF_REVISION = 'The Revision Id provided does not match the latest Revision Id.';

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function startLambdaStandIn(port = 0): Promise<LambdaStandIn> {
  const server = createServer((request, response) => void answer(standIn, request, response)).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: LambdaStandIn = {
    url,
    env: {
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ACCESS_KEY_ID: 'AKIASTANDINSTANDINST',
      AWS_SECRET_ACCESS_KEY: 'of-the-stand-in',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    ...{ calls: [], aliases: new Map(), history: [], functions: new Map(), provisioned: new Map() },
    fault: () => null,
    carriedOut: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return standIn;
}

/** An alias that gives all traffic to version 1, before a deployment to version 2. */
export function makeAlias(lambda: LambdaStandIn, name: string, state: Partial<AliasState> = {}): AliasState {
  const alias: AliasState = { functionVersion: '1', weights: {}, revision: 1, ...state };
  lambda.aliases.set(name, alias);
  return alias;
}

export function percentOfTwo({ functionVersion, weights }: AliasState): number {
  const others = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Math.round((functionVersion === '2' ? 1 - others : (weights['2'] ?? 0)) * 100);
}

async function answer(lambda: LambdaStandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(request.url ?? '', 'http://localhost');
  const isTried = request.headers['x-amz-invocation-type'] === TRIED;
  const call = callOf(request.method ?? '', url, text === '' ? null : JSON.parse(text), isTried);
  lambda.calls.push(call);
  const fault = lambda.fault(call);
  if (fault === 'hang up before') return void request.socket.destroy();
  if (fault !== null && fault !== 'hang up after') {
    return refuse(response, new Refusal(fault.status, fault.code, fault.message ?? 'refused by the test'));
  }
  try {
    const { status = 200, headers = {}, body } = await carryOut(lambda, call, url);
    lambda.carriedOut(call);
    if (fault === 'hang up after') return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(body ?? null));
  } catch (error) {
    refuse(response, error instanceof Refusal ? error : new Refusal(500, 'ServiceException', String(error)));
  }
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': code });
  response.end(JSON.stringify({ Type: 'User', message }));
}

function callOf(method: string, { pathname }: URL, body: unknown, isTried: boolean): LambdaCall {
  const [, name = '', rest = ''] = /\/functions\/([^/]+)\/(.*)$/.exec(decodeURIComponent(pathname)) ?? [];
  const functionName = name.replace(/^arn:aws:lambda:[^:]+:\d+:function:/, '');
  const kind = rest.split('/')[0] ?? '';
  const operations: Readonly<Record<string, string>> = {
    'GET aliases': 'GetAlias',
    'PUT aliases': 'UpdateAlias',
    'GET provisioned-concurrency': 'GetProvisionedConcurrencyConfig',
    'POST invocations': isTried ? `Invoke ${TRIED}` : 'Invoke',
  };
  const alias = kind === 'aliases' ? `:${rest.split('/')[1]}` : '';
  return {
    operation: operations[`${method} ${kind}`] ?? `${method} ${rest}`,
    functionName: functionName + alias,
    body,
  };
}

interface Answered {
  /** Absent: 200. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

async function carryOut(
  lambda: LambdaStandIn,
  { operation, functionName, body }: LambdaCall,
  url: URL,
): Promise<Answered> {
  const missing = (what: string) => new Refusal(404, 'ResourceNotFoundException', `${what} not found: ${functionName}`);
  switch (operation) {
    case 'GetAlias':
    case 'UpdateAlias': {
      const alias = lambda.aliases.get(functionName);
      if (alias === undefined) throw missing('Alias');
      if (operation === 'UpdateAlias') update(lambda, alias, body as UpdateBody);
      return { body: shown(functionName, alias) };
    }
    case 'GetProvisionedConcurrencyConfig': {
      const state = lambda.provisioned.get(`${functionName}:${url.searchParams.get('Qualifier')}`);
      if (state === undefined) {
        throw new Refusal(404, 'ProvisionedConcurrencyConfigNotFoundException', 'No Provisioned Concurrency Config');
      }
      const counts = { RequestedProvisionedConcurrentExecutions: 2, AvailableProvisionedConcurrentExecutions: 0 };
      return { body: { ...counts, Status: state } };
    }
    case `Invoke ${TRIED}`:
      if (!lambda.functions.has(functionName)) throw missing('Function');
      return { status: 204, body: null };
    case 'Invoke': {
      const handler = lambda.functions.get(functionName);
      if (handler === undefined) throw missing('Function');
      try {
        return { body: (await handler(body as HookEvent)) ?? null };
      } catch (error) {
        const said = { errorType: 'Error', errorMessage: error instanceof Error ? error.message : String(error) };
        return { headers: { 'x-amz-function-error': 'Unhandled' }, body: said };
      }
    }
    default:
      throw new Refusal(404, 'UnknownOperationException', operation);
  }
}

interface UpdateBody {
  readonly FunctionVersion?: string;
  readonly RevisionId?: string;
  readonly RoutingConfig?: { readonly AdditionalVersionWeights?: Record<string, number> };
}

function update(lambda: LambdaStandIn, alias: AliasState, body: UpdateBody): void {
  if (body.RevisionId !== undefined && body.RevisionId !== `revision-${alias.revision}`) {
    throw new Refusal(412, 'PreconditionFailedException', ERROR_OF_REVISION);
  }
  const weights = body.RoutingConfig?.AdditionalVersionWeights ?? alias.weights;
  const version = body.FunctionVersion ?? alias.functionVersion;
  const shares = Object.values(weights);
  if (shares.some((share) => share < 0 || share > 1) || weights[version] !== undefined) {
    throw new Refusal(400, 'InvalidParameterValueException', 'Additional version weights are not valid.');
  }
  if (![version, ...Object.keys(weights)].every((one) => ['1', '2', '3'].includes(one))) {
    throw new Refusal(404, 'ResourceNotFoundException', 'Function not found: a version does not exist');
  }
  Object.assign(alias, { functionVersion: version, weights: { ...weights }, revision: alias.revision + 1 });
  lambda.history.push(percentOfTwo(alias));
}

function shown(name: string, { functionVersion, weights, revision }: AliasState) {
  return {
    AliasArn: arnOf(name),
    Name: name.split(':')[1],
    FunctionVersion: functionVersion,
    ...(Object.keys(weights).length === 0 ? {} : { RoutingConfig: { AdditionalVersionWeights: weights } }),
    RevisionId: `revision-${revision}`,
  };
}
