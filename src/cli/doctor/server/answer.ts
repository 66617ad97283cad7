/** Whether the running server answers on its ports, over the scheme that is configured, with its database. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { isNoTls, messageOf, systemErrorCode } from '../../../errors.ts';
import { MANAGEMENT_SIGNING_NAME } from '../../../protocol/management/shapes.ts';
import { signRequest } from '../../../protocol/sigv4/sign.ts';
import { type Finding, fail, ok } from '../check.ts';

const ANSWER_MS = 10_000;
/** More of an answer is not needed to tell who gave it; bytes. */
const MAX_ANSWER = 64 * 1024;

export interface Door {
  readonly kind: 'API' | 'S3';
  readonly url: URL;
  /** SHA-256 of the certificate in its file, as Node writes it; null: there is none, or it cannot be read. */
  readonly certificate: string | null;
  /** The command that starts the server anew, in backticks. */
  readonly restart: string;
  /** Remedy for a server that hangs. */
  readonly remedyOfHang: string;
  readonly nowMs: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly certificate: string | null;
}

/** Findings in which nothing is `ok` stand alone: a door that hangs is asked nothing more. */
export async function lookAtAnswer(door: Door): Promise<readonly Finding[]> {
  const check = `answer of ${door.kind}`;
  const answer = await (door.kind === 'API' ? askApi(door) : ask(door, 'GET', {}, ''));
  if (answer instanceof Error) return [noAnswer(check, door, answer)];
  const findings: Finding[] = [judge(check, door, answer)];
  if (door.certificate !== null && answer.certificate !== null && answer.certificate !== door.certificate) {
    const detail = 'the server shows another certificate than its file holds now';
    findings.push(fail('certificate', detail, `It was exchanged since the start: put it to use by ${door.restart}.`));
  }
  return findings;
}

function judge(check: string, { kind, url, restart }: Door, { status, text }: Answer): Finding {
  if (status === 503 || /SERVER_DATABASE_AWAY|ServiceUnavailable/.test(text)) {
    return fail(
      check,
      `${url.origin} answers 503: the server cannot use its database just now`,
      'Put right what the findings on the database and the disk name; the server goes on by itself when it is back.',
    );
  }
  if (status >= 500 && !/NotImplemented/.test(text)) {
    return fail(check, `${url.origin} answers ${status}`, `The server’s log says why; then ${restart}.`);
  }
  const isOurs = kind === 'API' ? /Exception|UnrecognizedClient/.test(text) : /<Error>/.test(text);
  if (!isOurs) {
    const detail = `what answers on ${url.origin} is no control server (status ${status})`;
    return fail(check, detail, 'Look which process has the port, and whether a proxy stands in front of it.');
  }
  return ok(check, `${url.origin} answers`);
}

function noAnswer(check: string, { url, restart, remedyOfHang }: Door, error: Error): Finding {
  const code = systemErrorCode(error) ?? '';
  const detail = `${url.origin}: ${messageOf(error)}`;
  if (isNoTls(error)) {
    const remedy = `The running server speaks plain HTTP, and certificates are configured: put them to use by ${restart}.`;
    return fail(check, detail, remedy);
  }
  if (url.protocol === 'http:' && (code === 'ECONNRESET' || code.startsWith('HPE_'))) {
    const remedy = `The running server seems to speak TLS, and no certificate is configured: put the settings to use by ${restart}.`;
    return fail(check, detail, remedy);
  }
  if (code === 'ABORT_ERR' || code === 'ETIMEDOUT' || error.name === 'TimeoutError') {
    return fail(check, `${url.origin} takes connections and does not answer: the server hangs`, remedyOfHang);
  }
  if (code === 'ECONNREFUSED') {
    return fail(check, detail, 'Nothing listens there any more: look at the findings on server, service and port.');
  }
  return fail(check, detail, `The server’s log may say why; then ${restart}.`);
}

/** Signed with a key that no server has: it is looked up in the database, refused, and nothing else happens. */
async function askApi(door: Door): Promise<Answer | Error> {
  const headers = await signRequest(
    {
      method: 'POST',
      url: door.url,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'CodeDeploy_20141006.ListApplications' },
      body: '{}',
    },
    { accessKeyId: 'AKIASLIPWAYDOCTOR000', secretAccessKey: 'none' },
    { service: MANAGEMENT_SIGNING_NAME, region: 'us-east-1' },
    door.nowMs,
  );
  return ask(door, 'POST', headers, '{}');
}

function ask({ url }: Door, method: string, headers: Record<string, string>, body: string): Promise<Answer | Error> {
  return new Promise((resolve) => {
    const options = { method, headers, agent: false as const, signal: AbortSignal.timeout(ANSWER_MS) };
    const take = (message: IncomingMessage) => {
      const certificate = certificateOf(message);
      let text = '';
      message.setEncoding('utf8');
      message.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_ANSWER) message.destroy();
      });
      message.on('error', () => undefined);
      message.on('close', () => resolve({ status: message.statusCode ?? 0, text, certificate }));
    };
    // Whom clients trust is another question: this machine may not know the authority, and asks by an address that no certificate has.
    const call =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, rejectUnauthorized: false }, take)
        : httpRequest(url, options, take);
    call.on('error', resolve);
    call.end(body);
  });
}

function certificateOf({ socket }: IncomingMessage): string | null {
  if (!('getPeerCertificate' in socket)) return null;
  const peer: PeerCertificate = (socket as TLSSocket).getPeerCertificate();
  return peer.fingerprint256 ?? null;
}
