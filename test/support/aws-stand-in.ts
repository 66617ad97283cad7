/**
 * A small AWS of a test's own for what moto lacks: targets that join, drain and fail, throttling, refusals, silence. It speaks the Query
 * protocol of EC2, Elastic Load Balancing and Auto Scaling, and the JSON protocol of ECS. It checks no signature, and answers as the test says.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface AwsCall {
  readonly action: string;
  /** As they were sent: `Targets.member.1.Id`. */
  readonly params: Readonly<Record<string, string>>;
  /** Body of a call in the JSON protocol; in the Query protocol its parameters, put back into lists and objects of strings. */
  readonly input: AwsInput;
  readonly isJson: boolean;
}

/** A request's members: text, numbers, lists and objects of such. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads the members that its own client has sent
export type AwsInput = Readonly<Record<string, any>>;

/** Content of an answer: a list becomes elements `member`, in EC2 `item`. */
export type AwsValue =
  | string
  | number
  | boolean
  | readonly AwsValue[]
  | { readonly [name: string]: AwsValue | undefined };

/** An answer of AWS' that refuses the call. */
export class AwsRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;

  constructor(status: number, code: string, message = 'refused by the test') {
    this.status = status;
    this.code = code;
    this.message = message;
  }
}

/** No answer at all, until the client hangs up. */
export const SILENCE = Symbol('silence');

/** The connection ends without an answer. The call may have had its effect. */
export const CUT = Symbol('cut');

export type AwsAnswer = { readonly [name: string]: AwsValue | undefined } | AwsRefusal | typeof SILENCE | typeof CUT;

export interface AwsStandIn extends AsyncDisposable {
  readonly url: string;
  /** Answers by action; one that is not here is refused as `InvalidAction`. */
  readonly answers: Record<string, (call: AwsCall) => AwsAnswer | Promise<AwsAnswer>>;
  readonly calls: AwsCall[];
  /** Environment in which AWS' SDKs talk to it alone. */
  readonly env: Readonly<Record<string, string>>;
}

export async function startAwsStandIn(answers: AwsStandIn['answers'] = {}): Promise<AwsStandIn> {
  const calls: AwsCall[] = [];
  const answerTo = async (call: AwsCall, socket: Socket, response: ServerResponse) => {
    const answer = (await standIn.answers[call.action]?.(call)) ?? new AwsRefusal(400, 'InvalidAction');
    if (answer === SILENCE) return;
    if (answer === CUT) socket.destroy();
    else if (call.isJson) sendJson(response, answer);
    else sendXml(response, call, answer);
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const call = callOf(request.headers['x-amz-target'], body);
      calls.push(call);
      void answerTo(call, request.socket, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: AwsStandIn = {
    url,
    answers,
    calls,
    env: {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'AKIASTANDINSTANDINST',
      AWS_SECRET_ACCESS_KEY: 'of-the-stand-in',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return standIn;
}

type Sent = Exclude<AwsAnswer, symbol>;

/** @param target header of the JSON protocol: `AmazonEC2ContainerServiceV20141113.DescribeServices` */
function callOf(target: string | string[] | undefined, body: string): AwsCall {
  if (typeof target === 'string') {
    const input = JSON.parse(body || '{}') as AwsInput;
    return { action: target.split('.').at(-1) ?? '', params: {}, input, isJson: true };
  }
  const params = Object.fromEntries(new URLSearchParams(body));
  return { action: params['Action'] ?? '', params, input: nested(params), isJson: false };
}

/** `Names.member.1=a` → `{ Names: ['a'] }` */
function nested(params: Readonly<Record<string, string>>): AwsInput {
  const root: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    const parts = name.split('.').filter((part) => part !== 'member');
    let place = root;
    for (const part of parts.slice(0, -1)) {
      place[part] ??= {};
      place = place[part] as Record<string, unknown>;
    }
    place[parts.at(-1) ?? ''] = value;
  }
  return withLists(root) as AwsInput;
}

/** An object whose keys are numbers from 1 on is a list. */
function withLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, withLists(member)] as const);
  return entries.every(([key]) => /^\d+$/.test(key))
    ? entries.map(([, member]) => member)
    : Object.fromEntries(entries);
}

function sendJson(response: ServerResponse, answer: Sent): void {
  response.setHeader('content-type', 'application/x-amz-json-1.1');
  response.setHeader('x-amzn-requestid', 'r-1');
  if (answer instanceof AwsRefusal) {
    response.writeHead(answer.status).end(JSON.stringify({ __type: answer.code, message: answer.message }));
    return;
  }
  response.writeHead(200).end(JSON.stringify(answer));
}

/** EC2's answers have another form than those of the services that came later. */
function sendXml(response: ServerResponse, { action, params }: AwsCall, answer: Sent): void {
  const isEc2 = params['Version'] === '2016-11-15';
  response.setHeader('content-type', 'text/xml');
  if (answer instanceof AwsRefusal) {
    const error = `<Error><Type>Sender</Type><Code>${answer.code}</Code><Message>${answer.message}</Message></Error>`;
    const text = isEc2
      ? `<Response><Errors>${error}</Errors><RequestID>r-1</RequestID></Response>`
      : `<ErrorResponse>${error}<RequestId>r-1</RequestId></ErrorResponse>`;
    response.writeHead(answer.status).end(text);
    return;
  }
  const content = elements(answer, isEc2 ? 'item' : 'member');
  const text = isEc2
    ? `<${action}Response><requestId>r-1</requestId>${content}</${action}Response>`
    : `<${action}Response><${action}Result>${content}</${action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${action}Response>`;
  response.writeHead(200).end(text);
}

function elements(value: AwsValue, entry: 'item' | 'member'): string {
  if (typeof value !== 'object') return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  if (Array.isArray(value))
    return value.map((one: AwsValue) => `<${entry}>${elements(one, entry)}</${entry}>`).join('');
  return Object.entries(value)
    .map(([name, member]) => (member === undefined ? '' : `<${name}>${elements(member, entry)}</${name}>`))
    .join('');
}
