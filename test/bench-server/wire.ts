/**
 * One connection of a host to the server: signed requests of the host command API, one after the other.
 *
 * It does little work, because the load generator shares the machine with the server that it measures. The signing key is kept, and answers
 * are read without a parser for all of HTTP.
 */
import { createHash, createHmac } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HOST_COMMAND_SIGNING_NAME, HOST_COMMAND_TARGET } from '../../src/protocol/host-command/shapes.ts';

export interface WireHost {
  readonly hostArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Wire {
  /** @returns the answer's body. @throws Error when the status is not 200, or the connection breaks */
  call(operation: string, input: object, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  close(): void;
}

export interface WireServer {
  readonly url: string;
  /** PEM of the authority that its certificate is of; null: http. */
  readonly ca: string | null;
}

const REGION = 'us-east-1';

export async function openWire({ url, ca }: WireServer, host: WireHost): Promise<Wire> {
  const { hostname, port, host: authority } = new URL(url);
  const to = { host: hostname, port: Number(port) };
  const socket = ca === null ? connectPlain(to) : connectTls({ ...to, ca });
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once(ca === null ? 'connect' : 'secureConnect', resolve).once('error', reject);
  });
  const answers = readAnswers(socket);
  const sign = signerOf(host, authority);
  return {
    async call(operation, input, headers = {}) {
      const body = JSON.stringify(input);
      const answer = answers.next();
      socket.write(sign(operation, body, headers));
      const { status, text } = await answer;
      if (status !== 200) throw new Error(`${operation} of ${host.hostArn} was answered with ${status}: ${text}`);
      return text === '' ? {} : (JSON.parse(text) as unknown);
    },
    close: () => void socket.destroy(),
  };
}

function signerOf({ accessKeyId, secretAccessKey }: WireHost, authority: string) {
  let day = '';
  let key: Buffer = Buffer.alloc(0);
  return (operation: string, body: string, headers: Readonly<Record<string, string>>): string => {
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${now.slice(0, 8)}/${REGION}/${HOST_COMMAND_SIGNING_NAME}/aws4_request`;
    if (now.slice(0, 8) !== day) {
      day = now.slice(0, 8);
      key = [day, REGION, HOST_COMMAND_SIGNING_NAME, 'aws4_request'].reduce<Buffer>(
        hmac,
        Buffer.from(`AWS4${secretAccessKey}`),
      );
    }
    const target = `${HOST_COMMAND_TARGET}.${operation}`;
    const names = 'host;x-amz-date;x-amz-target';
    const canonical = `POST\n/\n\nhost:${authority}\nx-amz-date:${now}\nx-amz-target:${target}\n\n${names}\n${hash(body)}`;
    const signature = hmac(key, `AWS4-HMAC-SHA256\n${now}\n${scope}\n${hash(canonical)}`).toString('hex');
    const lines = [
      'POST / HTTP/1.1',
      `host: ${authority}`,
      `x-amz-date: ${now}`,
      `x-amz-target: ${target}`,
      'content-type: application/x-amz-json-1.1',
      `content-length: ${Buffer.byteLength(body)}`,
      'x-amz-codedeploy-agent-version: bench',
      `authorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The server sends each answer with its length. One is awaited at a time. */
function readAnswers(socket: Socket): { next(): Promise<Answer> } {
  let received = '';
  let waiting: PromiseWithResolvers<Answer> | null = null;
  let broken: Error | null = null;
  const fail = (error: Error) => {
    broken = error;
    waiting?.reject(error);
  };
  socket.setEncoding('latin1');
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server has closed the connection')));
  socket.on('data', (text: string) => {
    received += text;
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (received.length < end + 4 + length) return;
    const body = received.slice(end + 4, end + 4 + length);
    received = received.slice(end + 4 + length);
    waiting?.resolve({ status: Number(head.slice(9, 12)), text: Buffer.from(body, 'latin1').toString() });
    waiting = null;
  });
  return {
    next() {
      waiting = Promise.withResolvers();
      if (broken !== null) waiting.reject(broken);
      return waiting.promise;
    },
  };
}
