/**
 * A POST with a signature by a shared secret: the HMAC-SHA256 of the time, a dot and the body, in hex. The time keeps an old request from being
 * repeated. No redirect is followed.
 */
import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';

export interface SignedReceiver {
  readonly url: string;
  readonly secret: string;
  /** Certificates, PEM, that are trusted for it beside Node's own. */
  readonly authorities: readonly string[];
}

export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Limit on the part of an answer that is quoted, in bytes. */
const MAX_WHY = 200;

/** Resolves when the status is there. @throws Error of the connection, or of the signal */
export function signedPost(
  { url, secret, authorities }: SignedReceiver,
  { headers, body, nowMs, signal }: SignedRequest,
): Promise<IncomingMessage> {
  const target = new URL(url);
  const time = String(Math.floor(nowMs / 1000));
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const isPrivate = target.protocol === 'https:' && authorities.length > 0;
  const options = {
    ...{ method: 'POST', signal, agent: false as const },
    headers: {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      'x-slipway-time': time,
      'x-slipway-signature': `sha256=${signature}`,
    },
    ...(isPrivate ? { ca: [...getCACertificates('default'), ...authorities] } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options);
    request.once('response', resolve).once('error', reject).end(body);
  });
}

/** The first words of an answer, in one line. */
export async function beginningOf(response: IncomingMessage): Promise<string> {
  let bytes = Buffer.alloc(0);
  try {
    for await (const piece of response) {
      bytes = Buffer.concat([bytes, piece as Buffer]);
      if (bytes.length >= MAX_WHY) break;
    }
  } catch {
    // It was cut off; what has come says enough.
  }
  return inOneLine(bytes.subarray(0, MAX_WHY).toString('utf8'));
}

export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
