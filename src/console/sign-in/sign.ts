/**
 * Signs a sign-in as every client of the API signs (AWS Signature Version 4), so that the secret never leaves the page that it is typed into.
 * Pure.
 */
import { hex, hmacSha256, sha256 } from './sha256.ts';

export const SESSION_PATH = '/console/session';

export interface SignInKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Headers that sign a browser in: once, and within five minutes of the time that they name. */
export interface SignInHeaders {
  readonly authorization: string;
  readonly 'x-amz-date': string;
  /** Makes each signature another one, also those of one second. */
  readonly 'x-slipway-nonce': string;
}

/** The server takes any region, as long as the signature has one. */
const SCOPE = 'us-east-1/codedeploy/aws4_request';
const SIGNED_HEADERS = 'host;x-amz-date;x-slipway-nonce';

/**
 * @param host as the browser sends it in its Host header
 * @param nonce a text of its own for each sign-in
 */
export function signSignIn(
  { accessKeyId, secretAccessKey }: SignInKey,
  { host, nonce, nowMs }: { readonly host: string; readonly nonce: string; readonly nowMs: number },
): SignInHeaders {
  const date = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = date.slice(0, 8);
  const headers = [`host:${host}`, `x-amz-date:${date}`, `x-slipway-nonce:${nonce}`];
  const canonical = ['POST', SESSION_PATH, '', ...headers, '', SIGNED_HEADERS, hashOf('')];
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${SCOPE}`, hashOf(canonical.join('\n'))].join('\n');
  const key = [day, ...SCOPE.split('/')].reduce(
    (above, part) => hmacSha256(above, bytesOf(part)),
    bytesOf(`AWS4${secretAccessKey}`),
  );
  const credential = `Credential=${accessKeyId}/${day}/${SCOPE}`;
  const signature = `Signature=${hex(hmacSha256(key, bytesOf(text)))}`;
  return {
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${SIGNED_HEADERS}, ${signature}`,
    'x-amz-date': date,
    'x-slipway-nonce': nonce,
  };
}

function hashOf(text: string): string {
  return hex(sha256(bytesOf(text)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
