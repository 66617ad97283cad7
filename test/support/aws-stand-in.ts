/**
 * A small AWS of a test's own for what moto lacks: targets that join, drain and fail, throttling, refusals, silence. It speaks the Query
 * protocol of EC2, Elastic Load Balancing and Auto Scaling, checks no signature, and answers as the test says.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AwsCall {
  readonly action: string;
  /** As they were sent: `Targets.member.1.Id`. */
  readonly params: Readonly<Record<string, string>>;
}

/** What an answer holds: a list becomes elements `member`, in EC2 `item`. */
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

export type AwsAnswer = { readonly [name: string]: AwsValue | undefined } | AwsRefusal | typeof SILENCE;

export interface AwsStandIn extends AsyncDisposable {
  readonly url: string;
  /** By action; one that is not here is refused as `InvalidAction`. */
  readonly answers: Record<string, (call: AwsCall) => AwsAnswer>;
  readonly calls: AwsCall[];
  /** Environment in which AWS' SDKs talk to it alone. */
  readonly env: Readonly<Record<string, string>>;
}

export async function startAwsStandIn(answers: AwsStandIn['answers'] = {}): Promise<AwsStandIn> {
  const calls: AwsCall[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const params = Object.fromEntries(new URLSearchParams(body));
      const call = { action: params['Action'] ?? '', params };
      calls.push(call);
      const answer = standIn.answers[call.action]?.(call) ?? new AwsRefusal(400, 'InvalidAction');
      if (answer !== SILENCE) send(response, call, answer);
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

/** EC2's answers have another form than those of the services that came later. */
function send(response: ServerResponse, { action, params }: AwsCall, answer: Exclude<AwsAnswer, typeof SILENCE>): void {
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
